/** Where the pod side keeps its files, all below the agent's data directory. */
import { join } from 'node:path';
import type { PodIdentity } from './labels.ts';

export interface NodePaths {
  readonly dataDir: string;
}

/** Everything of one pod but its logs. */
export const podDir = (paths: NodePaths, uid: string): string => join(paths.dataDir, 'pods', uid);

export const volumesDir = (paths: NodePaths, uid: string): string =>
  join(podDir(paths, uid), 'volumes');

/** The pod's `etc-hosts`, `hostname`, `resolv.conf`. */
export const podFile = (paths: NodePaths, uid: string, name: string): string =>
  join(podDir(paths, uid), name);

/** What is mounted at the container's terminationMessagePath. */
export const terminationLog = (
  paths: NodePaths,
  uid: string,
  of: { readonly container: string; readonly attempt: number },
): string => join(podDir(paths, uid), 'containers', of.container, `${of.attempt}.message`);

/** Why an attempt could not be started; written only then, read after a restart of the agent. */
export const startErrorFile = (
  paths: NodePaths,
  uid: string,
  of: { readonly container: string; readonly attempt: number },
): string => join(podDir(paths, uid), 'containers', of.container, `${of.attempt}.error`);

/** Where the administrator puts the profiles that pods name as `localhostProfile`. */
export const seccompDir = (paths: NodePaths): string => join(paths.dataDir, 'seccomp');

/** The writable layer of one attempt. */
export const layerDir = (paths: NodePaths, uid: string, id: string): string =>
  join(podDir(paths, uid), 'layers', id);

/** `<ns>_<pod>_<uid>`: kubelet's layout, which log collectors know. */
export const podLogDir = (paths: NodePaths, pod: PodIdentity): string =>
  join(paths.dataDir, 'log', 'pods', `${pod.namespace}_${pod.name}_${pod.uid}`);

export const logFile = (
  paths: NodePaths,
  pod: PodIdentity,
  of: { readonly container: string; readonly attempt: number },
): string => join(podLogDir(paths, pod), of.container, `${of.attempt}.log`);

/** Persistent volumes of this node, one directory each: they outlive pods. */
export const persistentVolumesDir = (paths: NodePaths): string =>
  join(paths.dataDir, 'persistent-volumes');
