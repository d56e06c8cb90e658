/** What a start of a Container's Pod finds and leaves on the node: its writable layer, and the volumes its image asks for. */
import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { chmod, chown, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Pod } from '#api/resources/types.ts';
import { openMerged, statIn, streamTree } from '#native/layers.ts';
import { extractInto } from '#native/unpack.ts';
import type { Mount } from '#node-agent/container/runtime.ts';
import type { LocalImage } from '#node-agent/image/images.ts';
import { StartFailure } from './container-image.ts';
import type { Groundwork } from './groundwork.ts';
import { keeperOf } from './kept-containers.ts';
import { layerDir, podDir } from './paths.ts';
import type { World } from './world.ts';

export interface Kept {
  readonly layerDir: string;
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
}

/** How long the last run may take to end. */
const lastRunMs = 30_000;
const limits = { maxBytes: 64 * 2 ** 30, maxEntries: 4_000_000 };

/** @throws StartFailure while somebody else has the Container's layer */
export async function keep(start: Start): Promise<Kept> {
  const { world, pod, id, laid } = start;
  const uid = keeperOf(pod);
  const mounts = [...start.mounts, ...(await imageVolumes(start, uid))];
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
  return { layerDir: world.kept.layerDir(uid), layers, mounts };
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

async function imageVolumes({ world, pod, container, laid, mounts }: Start, uid?: string) {
  const made: Mount[] = [];
  for (const target of volumePaths(laid.image.config.volumes, mounts)) {
    const name = createHash('sha256').update(target).digest('hex').slice(0, 16);
    const own = join(podDir(world.paths, pod.metadata.uid ?? ''), 'image-volumes', container, name);
    const source = uid === undefined ? own : world.kept.volumeDir(uid, name);
    await provideVolume(source, laid.layers, target);
    made.push({ type: 'bind', source, target, readonly: false });
  }
  return made;
}

/** A volume begins with what the image has at its place; whole from the moment it has its name. */
async function provideVolume(dir: string, layers: readonly string[], path: string): Promise<void> {
  if ((await stat(dir).catch(() => undefined)) !== undefined) return;
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
  await rename(making, dir);
}

function directoryIn(root: number, path: string) {
  try {
    const facts = statIn(root, path, { follow: true });
    return facts.kind === 'directory' ? facts : undefined;
  } catch {
    return undefined;
  }
}
