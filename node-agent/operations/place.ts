/** A container of this node as an operation on its files finds it, whether it runs or rests. */
import { closeSync, constants, openSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { failure } from '#api/resources/status.ts';
import { openMerged, openWritable } from '#native/layers.ts';
import type { ContainerRecord, ContainerRuntime } from '#node-agent/container/runtime.ts';
import type { Images } from '#node-agent/image/images.ts';
import type { PodNetwork } from '#node-agent/network/pod-network.ts';
import type { KeptContainers } from '../pod/kept-containers.ts';
import type { KeptMount } from '../pod/kept-record.ts';
import { identityOf } from '../pod/labels.ts';
import type { PodController } from '../pod/pod-controller.ts';

export interface OperationsWorld {
  readonly pods: PodController;
  readonly runtime: ContainerRuntime;
  readonly images: Images;
  readonly kept: KeptContainers;
  readonly network: Pick<PodNetwork, 'gateway'>;
}

export interface Place {
  readonly namespace: string;
  readonly name: string;
  /** Of the Container document; absent: a container of a Pod that nobody keeps. */
  readonly uid?: string;
  /** Of the runtime's container that has it mounted; absent: at rest. */
  readonly id?: string;
  readonly pid?: number;
  /** The writable layer; its directory may be missing while nothing was ever started. */
  readonly upper: string;
  readonly work: string;
  /** Below it, the topmost first. */
  readonly lowers: readonly string[];
  readonly mounts: readonly KeptMount[];
  /** The image's reference: a digest. */
  readonly image: string;
}

export interface Wanted {
  readonly namespace: string;
  readonly name: string;
  readonly container: string;
  readonly uid?: string | undefined;
}

/** @throws StatusError 404 */
export async function findPlace(world: OperationsWorld, wanted: Wanted): Promise<Place> {
  const found = fromPod(world, wanted) ?? (await atRest(world, wanted));
  if (found !== undefined) return found;
  const { prepareUnstarted } = await import('./unstarted.ts');
  const isMade = await prepareUnstarted(world, wanted);
  return (isMade ? await atRest(world, wanted) : undefined) ?? missing(wanted);
}

function placeOf(record: ContainerRecord, wanted: Wanted, image: string): Place {
  const { spec, state } = record;
  const { namespace, name, uid } = wanted;
  return {
    namespace,
    name,
    ...(uid === undefined ? {} : { uid }),
    ...(state.phase === 'running' ? { id: spec.id, pid: state.pid } : {}),
    upper: `${spec.layerDir}/upper`,
    work: `${spec.layerDir}/work`,
    lowers: spec.layers.toReversed(),
    mounts: spec.mounts.flatMap(({ type, source, target, readonly }) =>
      type === 'bind' && source !== undefined ? [{ target, source, readonly }] : [],
    ),
    image,
  };
}

function missing({ namespace, name }: Wanted): never {
  const why = 'this node has no files of it; it has not been started yet, or it ran elsewhere';
  throw failure(404, 'NotFound', `container ${namespace}/${name}: ${why}`);
}

function fromPod(world: OperationsWorld, wanted: Wanted): Place | undefined {
  const { namespace, name, container, uid } = wanted;
  const found = world.pods.find(namespace, name);
  const attempt = found?.state.attempts(container).at(-1);
  const record = attempt === undefined ? undefined : world.runtime.get(attempt.id);
  if (record === undefined || identityOf(record.spec) === undefined) return undefined;
  // At rest what is on disk says more: it is there after the Pod has gone, too.
  if (uid !== undefined && record.state.phase !== 'running') return undefined;
  return placeOf(record, wanted, attempt?.imageId ?? '');
}

async function atRest(world: OperationsWorld, wanted: Wanted): Promise<Place | undefined> {
  const { uid, namespace, name } = wanted;
  const kept = uid === undefined ? undefined : await world.kept.find(uid);
  if (kept === undefined || uid === undefined) return undefined;
  // A Pod that was deleted by force is gone before its container.
  const holder = world.runtime.get(world.kept.holder(uid) ?? '');
  if (holder !== undefined) return placeOf(holder, wanted, kept.image);
  const image = await world.images.find(kept.image);
  if (image === undefined) {
    const why = `its image ${kept.image} is not on this node any more; pull or load it again`;
    throw failure(409, 'Conflict', `container ${namespace}/${name}: ${why}`);
  }
  const layers = [await world.kept.mountPoints(), ...(await world.images.layers(image))];
  const dir = world.kept.layerDir(uid);
  return {
    namespace,
    name,
    uid,
    upper: `${dir}/upper`,
    work: `${dir}/work`,
    lowers: layers.toReversed(),
    mounts: kept.mounts,
    image: kept.image,
  };
}

export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The layers as they are merged for reading, the topmost first. */
export async function readable({ upper, lowers }: Place): Promise<readonly string[]> {
  return (await exists(upper)) ? [upper, ...lowers] : lowers;
}

export interface Opened {
  /** A descriptor of a root directory. */
  readonly root: number;
  /** The asked path as it is below that root. */
  readonly path: string;
}

/**
 * Works in the container's tree as its processes see it, with what is mounted. Of a container at rest, a path in a volume
 * leads into the volume. The root is closed afterwards.
 * @throws StatusError 409 when it must be written and somebody else has it
 */
export async function inTree<T>(
  world: OperationsWorld,
  place: Place,
  asked: { readonly path: string; readonly write: boolean },
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  if (place.pid !== undefined) return inRunning(world, place, asked.path, work);
  const volume = await volumeOf(place, asked.path);
  if (volume !== undefined) {
    if (asked.write && volume.mount.readonly) readOnly(volume.mount.target);
    return using(openSync(volume.mount.source, directory), volume.rest, work);
  }
  if (!asked.write) return using(openMerged(await readable(place)), asked.path, work);
  return atRestToWrite(world, place, asked.path, work);
}

const directory = constants.O_RDONLY | constants.O_DIRECTORY;

async function inRunning<T>(
  { runtime }: OperationsWorld,
  { id = '', pid, name }: Place,
  path: string,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const ended = () => failure(409, 'Conflict', `container ${name}: it has just ended; try again`);
  let root: number;
  try {
    root = openSync(`/proc/${pid}/root`, directory);
  } catch {
    throw ended();
  }
  // The number may be another process's by now: what still runs had it all the time.
  if (runtime.get(id)?.state.phase !== 'running') {
    closeSync(root);
    throw ended();
  }
  return using(root, path, work);
}

async function using<T>(root: number, path: string, work: (opened: Opened) => Promise<T>) {
  try {
    return await work({ root, path });
  } finally {
    closeSync(root);
  }
}

async function atRestToWrite<T>(
  { kept }: OperationsWorld,
  { uid, upper, work: workDir, lowers, name }: Place,
  path: string,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  // overlayfs marks a layer that was not forced to the disk; who uses it next takes the mark away.
  const marked = join(workDir, 'work', 'incompat');
  await rm(marked, { recursive: true, force: true });
  const open = () => using(openWritable(lowers, { upper, work: workDir }), path, work);
  const done =
    uid === undefined
      ? undefined
      : await kept.whileAtRest(uid, async () => ({ value: await open() }));
  if (done !== undefined) return done.value;
  throw failure(409, 'Conflict', `container ${name}: it is just being started; try again`);
}

function readOnly(target: string): never {
  throw failure(403, 'Forbidden', `the volume at ${target} is mounted read-only`);
}

/** The innermost mounted directory that the path is in. */
async function volumeOf({ mounts }: Place, path: string) {
  const whole = posix.resolve('/', path);
  const tail = /\/\.?$/.test(path) ? '/' : '';
  const inside = mounts
    .filter(({ target }) => whole === target || whole.startsWith(`${target}/`))
    .sort((a, b) => b.target.length - a.target.length);
  for (const mount of inside) {
    if (!(await isDirectory(mount.source))) continue;
    return { mount, rest: `${whole.slice(mount.target.length) || '/'}${tail}` };
  }
  return undefined;
}

const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
