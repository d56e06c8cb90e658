/** A container's mounts: its volumes and the files the node provides. */
import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, PodContainer, VolumeMount } from '#api/resources/types.ts';
import type { Mount } from '#node-agent/container/runtime.ts';
import { ConfigError } from './env.ts';
import { expand } from './expansion.ts';
import { ownMounts, ownSettings } from './own-settings.ts';
import { type NodePaths, podFile, terminationLog } from './paths.ts';

const defaultTerminationPath = '/dev/termination-log';

export interface MountFacts {
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly attempt: number;
  readonly paths: NodePaths;
  /** Where each volume stands on the host. */
  readonly volumes: ReadonlyMap<string, string>;
  /** For `subPathExpr`. */
  readonly env: ReadonlyMap<string, string>;
}

/** All mounts, outer ones first. @throws ConfigError for a volume or subPath that cannot be mounted */
export async function containerMounts(facts: MountFacts): Promise<Mount[]> {
  const { container, paths, pod } = facts;
  const uid = pod.metadata.uid ?? '';
  const volumes: Mount[] = [];
  for (const mount of container.volumeMounts ?? []) volumes.push(await volumeMount(mount, facts));
  volumes.push(...ownMounts(ownSettings(pod)));
  const taken = new Set(volumes.map(({ target }) => target));
  const own = [
    ...(['hosts', 'hostname', 'resolv.conf'] as const).map((name) =>
      file(podFile(paths, uid, name === 'hosts' ? 'etc-hosts' : name), `/etc/${name}`),
    ),
    file(
      terminationLog(paths, uid, { container: container.name, attempt: facts.attempt }),
      container.terminationMessagePath || defaultTerminationPath,
    ),
  ];
  const mounts = [...volumes, ...own.filter(({ target }) => !taken.has(target))];
  return mounts.sort((a, b) => depth(a.target) - depth(b.target));
}

const depth = (path: string): number => path.split('/').filter((part) => part !== '').length;

const file = (source: string, target: string): Mount => ({
  type: 'bind',
  source,
  target,
  readonly: false,
});

async function volumeMount(mount: VolumeMount, facts: MountFacts): Promise<Mount> {
  const source = facts.volumes.get(mount.name);
  if (source === undefined) throw new ConfigError(`volume "${mount.name}" is not in the pod`);
  const subPath = subPathOf(mount, facts.env);
  const isImage = isOfImage(facts.pod, mount.name);
  return {
    type: 'bind',
    source: subPath === '' ? source : await insideVolume(source, subPath, !isImage),
    target: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
    readonly: mount.readOnly === true || isImage || isReadonly(facts.pod, mount.name),
    ...(isImage ? { options: ['noexec'] } : {}),
    ...recursionOf(mount),
    ...propagationOf(mount.mountPropagation),
  };
}

/** A pod may ask for a claim to read only. */
const isReadonly = ({ spec }: Pod, name: string): boolean =>
  spec?.volumes?.some(
    (volume) => volume.name === name && volume.persistentVolumeClaim?.readOnly === true,
  ) === true;

/** What an image holds is read, neither written nor run. */
const isOfImage = ({ spec }: Pod, name: string): boolean =>
  spec?.volumes?.some((volume) => volume.name === name && volume.image !== undefined) === true;

/** `IfPossible`: it always is, here. */
function recursionOf({ recursiveReadOnly: wanted }: VolumeMount): Pick<Mount, 'recursiveReadonly'> {
  return wanted === 'Enabled' || wanted === 'IfPossible' ? { recursiveReadonly: true } : {};
}

function subPathOf(mount: VolumeMount, env: ReadonlyMap<string, string>): string {
  if (mount.subPathExpr === undefined) return mount.subPath ?? '';
  const expanded = expand(mount.subPathExpr, (name) => env.get(name));
  if (expanded.includes('$(')) {
    throw new ConfigError(`missing value for ${mount.subPathExpr} in subPathExpr`);
  }
  return expanded;
}

/**
 * The host path of a subPath, made if it is missing and may be. A link inside the volume that leads out of it is refused: what
 * a container wrote there must not open the node's file system to the next one.
 */
async function insideVolume(volume: string, subPath: string, make: boolean): Promise<string> {
  if (subPath.startsWith('/') || subPath.split('/').includes('..')) {
    throw new ConfigError(`subPath ${JSON.stringify(subPath)} must be relative and without '..'`);
  }
  const root = await realpath(volume);
  let found = root;
  for (const part of subPath.split('/').filter((name) => name !== '' && name !== '.')) {
    const next = join(found, part);
    const real = await realpath(next).catch(() => undefined);
    if (real === undefined && !make) {
      throw new ConfigError(`subPath ${JSON.stringify(subPath)} is not in the volume's image`);
    }
    if (real === undefined) await mkdir(next, { mode: 0o750 });
    found = real ?? next;
    if (found !== root && !found.startsWith(`${root}/`)) {
      throw new ConfigError(`subPath ${JSON.stringify(subPath)} leads out of its volume`);
    }
  }
  return found;
}

function propagationOf(mode: string | undefined): Pick<Mount, 'propagation'> {
  if (mode === 'HostToContainer') return { propagation: 'rslave' };
  if (mode === 'Bidirectional') return { propagation: 'rshared' };
  return {};
}
