/** Volumes that a pod claims: directories which are there before it and after it. */
import { chmod, chown, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '#api/client/collection.ts';
import { keyOf, splitKey } from '#api/resources/meta.ts';
import { persistentVolumeClaims, persistentVolumes } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '#api/resources/types.ts';
import { prepareHostPath } from './host-path.ts';
import { VolumeError } from './volume-error.ts';

/** Claims and volumes as the API has them now: a node may read those that its pods name. */
export interface ClaimSource {
  /** By `namespace/name`. */
  claim(key: string): Promise<PersistentVolumeClaim | undefined>;
  volume(name: string): Promise<PersistentVolume | undefined>;
}

export function claimSource(client: Client): ClaimSource {
  const absent = (error: unknown): undefined => {
    if (!hasReason(error, 'NotFound')) throw error;
  };
  return {
    claim: (key) =>
      client
        .collection<PersistentVolumeClaim>(persistentVolumeClaims)
        .get(splitKey(key))
        .catch(absent),
    volume: (name) =>
      client.collection<PersistentVolume>(persistentVolumes).get({ name }).catch(absent),
  };
}

/** The name of the claim behind the volume: named, or made for the pod. */
export function claimName(pod: Pod, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim !== undefined) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral === undefined ? undefined : `${pod.metadata.name}-${volume.name}`;
}

/**
 * Where the claimed volume stands on this node, made if it is one of the node's own. `ownDir`: where those are.
 * @throws VolumeError when the claim is not bound, or its volume is none that this node serves
 */
export async function claimedPath(
  pod: Pod,
  name: string,
  { claims, ownDir }: { readonly claims: ClaimSource; readonly ownDir: string },
): Promise<string> {
  const claim = await claims.claim(`${pod.metadata.namespace}/${name}`);
  if (claim === undefined) throw new VolumeError(`persistentvolumeclaim "${name}" not found`);
  const volumeName = claim.spec?.volumeName ?? '';
  if (claim.status?.phase !== 'Bound' || volumeName === '') {
    throw new VolumeError(`PVC "${keyOf(claim)}" is not bound to a volume yet`);
  }
  const volume = await claims.volume(volumeName);
  const what = `the volume "${volumeName}" of PVC "${keyOf(claim)}"`;
  if (volume === undefined) throw new VolumeError(`${what} is gone`);
  if (volume.spec?.claimRef?.uid !== claim.metadata.uid) {
    throw new VolumeError(`${what} is bound to another claim`);
  }
  return prepareVolume(pod, volume, ownDir);
}

async function prepareVolume(pod: Pod, { metadata, spec }: PersistentVolume, ownDir: string) {
  if (spec?.hostPath !== undefined) {
    await prepareHostPath(spec.hostPath.path, spec.hostPath.type ?? '');
    return spec.hostPath.path;
  }
  const path = spec?.local?.path;
  if (path === undefined) {
    throw new VolumeError(`the volume "${metadata.name}" is of a type this node does not serve`);
  }
  if (path === join(ownDir, metadata.name)) await makeOwn(path);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new VolumeError(`local volume: path "${path}" does not exist`);
  const gid = pod.spec?.securityContext?.fsGroup;
  // Only the volume's root: what is below belongs to whoever made it, and may be a link that leads elsewhere.
  if (gid !== undefined && found.isDirectory() && found.gid !== gid) {
    await chown(path, found.uid, gid);
    await chmod(path, (found.mode & 0o7777) | 0o2770);
  }
  return path;
}

/** Everybody may write in it: who that is, the claim does not say. */
async function makeOwn(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: 0o755 });
  if (made !== undefined) await chmod(path, 0o777);
}
