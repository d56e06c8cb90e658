/**
 * The files of a container that was created and never started, made when they are asked for first: its writable layer and its
 * volumes, as its first start finds them. What else it mounts is there once it runs.
 */
import { mkdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { badRequest, failure, hasReason } from '#api/resources/status.ts';
import { volumeHash, volumeName } from '../pod/container-volumes.ts';
import { provideVolume, volumePaths } from '../pod/keeping.ts';
import type { OperationsWorld, Wanted } from './place.ts';

interface Document {
  readonly metadata: { readonly uid?: string };
  readonly spec?: {
    readonly state?: string;
    readonly image?: string;
    readonly mounts?: readonly {
      readonly type: string;
      readonly source?: string;
      readonly target: string;
      readonly readOnly?: boolean;
    }[];
  };
}

async function documentOf({ kept }: OperationsWorld, { namespace, name, uid }: Wanted) {
  const found = await kept.document({ namespace, name }).catch((error: unknown) => {
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  });
  const document = found as Document | undefined;
  const { state } = document?.spec ?? {};
  const isAtRest = state === 'Created' || state === 'Stopped';
  return document?.metadata.uid === uid && isAtRest ? document : undefined;
}

async function imageOf({ images }: OperationsWorld, { namespace, name }: Wanted, text: string) {
  const why = (what: string) =>
    failure(409, 'Conflict', `container ${namespace}/${name}: its image '${text}' ${what}`);
  const image = await images.find(text);
  if (image === undefined) throw why('is not on its node yet; pull or load it, or start it once');
  if (!(await images.isTrusted(text))) throw why('is not signed as the policy wants it');
  return image;
}

/** Whether there are files now; false for a container that is no such one. @throws StatusError 409 without its image */
export async function prepareUnstarted(world: OperationsWorld, wanted: Wanted): Promise<boolean> {
  const { kept, images } = world;
  const { uid, namespace, name } = wanted;
  const document = uid === undefined ? undefined : await documentOf(world, wanted);
  if (uid === undefined || document === undefined) return false;
  const { image: reference = '', mounts = [] } = document.spec ?? {};
  const image = await imageOf(world, wanted, reference);
  const layers = await images.layers(image);
  const own = (target: string) => kept.volumeDir(uid, volumeHash(target));
  const named = (volume: string) => {
    if (volumeName.test(volume)) return join(kept.sharedVolumesDir, namespace, volume);
    throw badRequest(`container ${namespace}/${name}: '${volume}' is no name of a volume`);
  };
  const volumes = mounts.filter(({ type }) => type === 'volume');
  const made = volumes.map(({ source, target, readOnly = false }) => ({
    target,
    readonly: readOnly,
    source: source === undefined ? own(target) : named(source),
  }));
  const taken = mounts.map(({ target }) => ({ type: 'bind' as const, target, readonly: false }));
  for (const target of volumePaths(image.config.volumes, taken)) {
    made.push({ target, readonly: false, source: own(target) });
  }
  await kept.makeSharedVolumes();
  for (const { source, target } of made)
    await provideVolume(source, layers, posix.normalize(target));
  const dir = kept.layerDir(uid);
  await mkdir(`${dir}/upper`, { recursive: true, mode: 0o755 });
  await mkdir(`${dir}/work`, { recursive: true, mode: 0o700 });
  const { digest } = image;
  await kept.remember({ version: 1, uid, namespace, name, image: digest, reference, mounts: made });
  return true;
}
