/**
 * A container at rest becomes as a commit of it was: its writable layer, and volumes if wanted. What it becomes is made beside
 * what it is (`layer.new`, `volumes/<n>.new`); then `rollback.json` says that all of it counts, and what was killed over the
 * renaming is gone on with.
 */
import { access, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { badRequest, failure } from '#api/resources/status.ts';
import { unpackLayerFile } from '#native/unpack.ts';
import type { StoredImage, StoredLayer } from '../image/image-table.ts';
import { findImage } from '../image/lookup.ts';
import type { OperationsWorld, Place } from './place.ts';
import { volumeStep } from './volume-layers.ts';

const limits = { maxBytes: 2 ** 40, maxEntries: 16_000_000 };
const intentFile = 'rollback.json';

interface Step {
  readonly created_by?: string;
  readonly empty_layer?: boolean;
}

interface Snapshot {
  /** What the container had changed; absent: nothing. */
  readonly layer?: StoredLayer;
  readonly volumes: readonly { readonly target: string; readonly layer: StoredLayer }[];
}

/** What of `taken` comes on top of `base`. Pure. @throws StatusError 409 when it is a commit of something else */
export function snapshotOf(
  base: Pick<StoredImage, 'layers'>,
  taken: Pick<StoredImage, 'layers'>,
  history: readonly Step[],
): Snapshot {
  const isOf = base.layers.every(({ chainId }, i) => taken.layers[i]?.chainId === chainId);
  const steps = history.filter(({ empty_layer: empty }) => empty !== true);
  const above = taken.layers.slice(base.layers.length).map((layer, i) => ({
    layer,
    by: steps[base.layers.length + i]?.created_by ?? '',
  }));
  const own = above.filter(({ by }) => by === 'bay commit');
  if (!isOf || own.length > 1 || above.some(({ by }) => !by.startsWith('bay commit'))) {
    throw failure(409, 'Conflict', 'it is no snapshot of this container: its image is another');
  }
  const volumes = above
    .filter(({ by }) => by.startsWith(volumeStep))
    .map(({ layer, by }) => ({ target: by.slice(volumeStep.length), layer }));
  const [first] = own;
  return first === undefined ? { volumes } : { layer: first.layer, volumes };
}

/** How long the end of a run may take whose Pod has gone. */
const lastRunMs = 30_000;

/** A Pod that was deleted by force is gone before its container: its end is waited for. */
export async function untilEnded({ pods, runtime }: OperationsWorld, place: Place): Promise<void> {
  const { id, namespace, name } = place;
  const pod = pods.find(namespace, name)?.pod;
  if (id === undefined || (pod !== undefined && pod.metadata.deletionTimestamp === undefined))
    return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const changes = runtime.changes.subscribe(({ spec, state }) => {
    if (spec.id === id && state.phase === 'exited') resolve();
  });
  const timer = setTimeout(resolve, lastRunMs);
  if (runtime.get(id)?.state.phase !== 'running') resolve();
  await promise;
  clearTimeout(timer);
  changes.unsubscribe();
}

/** @throws StatusError 400, 404, 409 */
export async function rollBack(
  world: OperationsWorld,
  place: Place,
  { reference, withVolumes }: { readonly reference: string; readonly withVolumes: boolean },
): Promise<{ readonly volumes: readonly string[] }> {
  const { uid, name, id } = place;
  if (uid === undefined) throw badRequest('only a Container keeps files that could be rolled back');
  if (id !== undefined) {
    throw failure(
      409,
      'Conflict',
      `container ${name} is running: stop it before it is rolled back`,
    );
  }
  const shelf = world.images.shelf();
  const [base, taken] = [place.image, reference].map((text) => {
    const found = findImage(shelf.images(), text)?.image;
    if (found !== undefined) return found;
    throw failure(404, 'NotFound', `find the image '${text}': no such image on this node`);
  }) as [StoredImage, StoredImage];
  const config = JSON.parse((await shelf.content.blobs.read(taken.id)).toString('utf8'));
  const snapshot = snapshotOf(base, taken, config.history ?? []);
  const done = await world.kept.whileAtRest(uid, async () => {
    const dir = world.kept.dir(uid);
    const fileOf = ({ digest }: StoredLayer) => shelf.content.blobs.path(digest);
    const release = await shelf.hold(taken.layers.map(({ digest }) => digest));
    try {
      const swaps = [await newLayer(dir, snapshot.layer && fileOf(snapshot.layer))];
      const volumes = withVolumes ? snapshot.volumes : [];
      for (const { target, layer } of volumes) {
        const source = place.mounts.find((mount) => mount.target === target)?.source ?? '';
        if (!source.startsWith(`${dir}/`))
          throw badRequest(`the container has no volume ${target}`);
        swaps.push(
          await newVolume(dir, source.slice(dir.length + 1), { target, file: fileOf(layer) }),
        );
      }
      await decide(dir, swaps);
      await finishRollback(dir);
      return { volumes: volumes.map(({ target }) => target) };
    } finally {
      release();
    }
  });
  if (done !== undefined) return done;
  throw failure(409, 'Conflict', `container ${name}: it is just being started; try again`);
}

async function emptyDir(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true, mode: 0o755 });
}

/** The layer is in the form that overlayfs has on disk: an upper directory may be as well a lower one. */
async function newLayer(dir: string, file: string | undefined): Promise<string> {
  const made = join(dir, 'layer.new');
  await emptyDir(join(made, 'upper'));
  await emptyDir(join(made, 'work'));
  if (file !== undefined) {
    await unpackLayerFile(file, join(made, 'upper'), { ...limits, tarDigests: 'sha256' });
  }
  return 'layer';
}

async function newVolume(
  dir: string,
  swap: string,
  { target, file }: { readonly target: string; readonly file: string },
): Promise<string> {
  const [made, whole] = [join(dir, `${swap}.new`), join(dir, `${swap}.whole`)];
  await emptyDir(whole);
  await rm(made, { recursive: true, force: true });
  await unpackLayerFile(file, whole, { ...limits, tarDigests: 'sha256' });
  // The volume is below its target: it is moved out, with the owner and mode it has there.
  await rename(join(whole, target), made);
  await rm(whole, { recursive: true, force: true });
  return swap;
}

async function decide(dir: string, swaps: readonly string[]): Promise<void> {
  const path = join(dir, intentFile);
  const file = await open(`${path}.tmp`, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(swaps));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, path);
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Does what was decided, at whatever point it was left; removes what was not. Nothing to do is no error. */
export async function finishRollback(dir: string): Promise<void> {
  const text = await readFile(join(dir, intentFile), 'utf8').catch(() => undefined);
  for (const swap of text === undefined ? [] : (JSON.parse(text) as string[])) {
    const [now, made, old] = [join(dir, swap), join(dir, `${swap}.new`), join(dir, `${swap}.old`)];
    if (!(await isThere(made))) continue;
    await rm(old, { recursive: true, force: true });
    if (await isThere(now)) await rename(now, old);
    await rename(made, now);
  }
  for (const place of [dir, join(dir, 'volumes')]) {
    for (const name of await readdir(place).catch(() => [])) {
      const isLeft = /\.(new|old|whole)$/.test(name);
      if (isLeft) await rm(join(place, name), { recursive: true, force: true });
    }
  }
  await rm(join(dir, intentFile), { force: true });
}
