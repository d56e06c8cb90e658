/** What a start of a Container's Pod finds and leaves on the node: its writable layer, and the volumes its image asks for. */
import { closeSync } from 'node:fs';
import { chmod, chown, mkdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { hasReason } from '#api/resources/status.ts';
import type { Pod } from '#api/resources/types.ts';
import { openMerged, statIn, streamTree } from '#native/layers.ts';
import { extractInto } from '#native/unpack.ts';
import type { Mount } from '#node-agent/container/runtime.ts';
import type { LocalImage } from '#node-agent/image/images.ts';
import { freshMark } from '../volume/named-volumes.ts';
import { StartFailure } from './container-image.ts';
import { volumeHash, volumePlaces, withPlaces } from './container-volumes.ts';
import type { Groundwork } from './groundwork.ts';
import { keeperOf } from './kept-containers.ts';
import { layerDir, podDir } from './paths.ts';
import type { World } from './world.ts';

export interface Kept {
  readonly layerDir: string;
  /** The layer outlives the container. */
  readonly keepsLayer?: true;
  /** Lowest first. */
  readonly layers: readonly string[];
  /** With the image's volumes. */
  readonly mounts: readonly Mount[];
}

interface Start {
  readonly world: World;
  readonly pod: Pod;
  readonly container: string;
  /** Of the runtime's container. */
  readonly id: string;
  readonly laid: Pick<Groundwork, 'image' | 'layers'>;
  readonly mounts: readonly Mount[];
  /** The image as the Pod names it. */
  readonly reference?: string | undefined;
}

/** How long the last run may take to end. */
const lastRunMs = 30_000;
const limits = { maxBytes: 64 * 2 ** 30, maxEntries: 4_000_000 };

/**
 * Anybody who makes Pods may write that a Container owns theirs: what a Container keeps is given to the Pod of its own
 * name alone, and once it is known whose it is, nobody is asked again.
 * @throws StartFailure when there is no such Container
 */
export async function checkKeeper({ kept }: World, pod: Pod): Promise<void> {
  const uid = keeperOf(pod);
  if (uid === undefined) return;
  const { namespace = '', name } = pod.metadata;
  const known = await kept.find(uid);
  if (known?.namespace === namespace && known.name === name) return;
  const found = await kept.document({ namespace, name }).catch((error: unknown) => {
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  });
  if (found?.metadata.uid === uid) return;
  throw new StartFailure(
    'NotOfContainer',
    `start container ${name}: the Pod says that a Container with uid ${uid} owns it, and the Container ${namespace}/${name} is not that one`,
  );
}

/** @throws StartFailure while somebody else has the Container's layer */
export async function keep(start: Start): Promise<Kept> {
  const { world, pod, id, laid } = start;
  const uid = keeperOf(pod);
  const own = uid === undefined ? start.mounts : await ownVolumes(start, uid);
  const mounts = [...own, ...(await imageVolumes(start, uid))];
  if (uid === undefined) {
    const own = layerDir(world.paths, pod.metadata.uid ?? '', id);
    return { layerDir: own, layers: laid.layers, mounts };
  }
  const { namespace = '', name } = pod.metadata;
  await world.kept.remember({
    version: 1,
    uid,
    namespace,
    name,
    image: laid.image.digest,
    ...(start.reference === undefined ? {} : { reference: start.reference }),
    mounts: mounts.flatMap(({ type, source, target, readonly }) =>
      type === 'bind' && source !== undefined ? [{ target, source, readonly }] : [],
    ),
  });
  const layers = [await world.kept.mountPoints(), ...laid.layers];
  await lastRunOver(world, uid);
  if (!world.kept.take(uid, id)) {
    throw new StartFailure(
      'LayerInUse',
      `start container ${name}: its files are being written by somebody else (its last run is not over, or a copy into it); it is tried again`,
    );
  }
  return { layerDir: world.kept.layerDir(uid), keepsLayer: true, layers, mounts };
}

/** A Pod that was deleted by force is gone before its container: its end is waited for. */
async function lastRunOver({ kept, runtime }: World, uid: string): Promise<void> {
  const holder = kept.holder(uid);
  if (holder === undefined) return;
  await new Promise<void>((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      changes.unsubscribe();
      resolve();
    };
    const timer = setTimeout(finish, lastRunMs);
    const changes = runtime.changes.subscribe(({ spec, state }) => {
      if (spec.id === holder && state.phase === 'exited') finish();
    });
  });
}

/** The directories that an image declares as volumes, apart from those that the document mounts something on. */
export function volumePaths(
  volumes: LocalImage['config']['volumes'],
  mounts: readonly Mount[],
): readonly string[] {
  const taken = new Set(mounts.map(({ target }) => posix.normalize(target)));
  const paths = (volumes ?? []).map((path) => posix.resolve('/', path));
  return [...new Set(paths)].filter((path) => path !== '/' && !taken.has(path)).sort();
}

/** The document's volumes, made when they are mounted first. */
async function ownVolumes({ world, pod, container, laid, mounts }: Start, uid: string) {
  const places = volumePlaces(pod, container, {
    own: (hash) => world.kept.volumeDir(uid, hash),
    shared: world.kept.sharedVolumesDir,
  });
  if (places.size > 0) await world.kept.makeSharedVolumes();
  for (const [target, source] of places) await provideVolume(source, laid.layers, target);
  return withPlaces(mounts, places);
}

async function imageVolumes({ world, pod, container, laid, mounts }: Start, uid?: string) {
  const made: Mount[] = [];
  for (const target of volumePaths(laid.image.config.volumes, mounts)) {
    const name = volumeHash(target);
    const own = join(podDir(world.paths, pod.metadata.uid ?? ''), 'image-volumes', container, name);
    const source = uid === undefined ? own : world.kept.volumeDir(uid, name);
    await provideVolume(source, laid.layers, target);
    made.push({ type: 'bind', source, target, readonly: false });
  }
  return made;
}

/** A volume begins with what the image has at its place; whole from the moment it has its name. */
export function provideVolume(dir: string, layers: readonly string[], path: string): Promise<void> {
  // Two containers may be the first to want one.
  const running = providing.get(dir);
  if (running !== undefined) return running;
  const provided = makeVolume(dir, layers, path).finally(() => providing.delete(dir));
  providing.set(dir, provided);
  return provided;
}

const providing = new Map<string, Promise<void>>();

async function makeVolume(dir: string, layers: readonly string[], path: string): Promise<void> {
  const fresh = freshMark(dir);
  const isFresh = await exists(fresh);
  if (!isFresh && (await exists(dir))) return;
  const making = `${dir}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true, mode: 0o755 });
  const root = openMerged(layers.toReversed());
  try {
    const facts = directoryIn(root, path);
    if (facts !== undefined) {
      const { stream, archived } = streamTree({ root, path, follow: true });
      await extractInto({ ...limits, root: making, path: '' }, stream);
      await archived;
      await chown(making, facts.uid, facts.gid);
      await chmod(making, facts.mode);
    }
  } finally {
    closeSync(root);
  }
  if (isFresh) await rmdir(dir).catch(() => undefined);
  await rename(making, dir).catch(async (error: NodeJS.ErrnoException) => {
    // Somebody has put something into it since it was made: that is what it begins with.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    await rm(making, { recursive: true, force: true });
  });
  if (isFresh) await rm(fresh, { force: true });
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

function directoryIn(root: number, path: string) {
  try {
    const facts = statIn(root, path, { follow: true });
    return facts.kind === 'directory' ? facts : undefined;
  } catch {
    return undefined;
  }
}
