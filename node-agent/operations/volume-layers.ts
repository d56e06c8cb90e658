/**
 * Volumes of a container as layers on a commit: each at the place where it is mounted, over a layer that takes away what the
 * image has there. A container of such an image begins its volumes with it, and a rollback finds them by their history.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { badRequest } from '#api/resources/status.ts';
import { writeTree } from '#native/layers.ts';
import type { LocalImage } from '#node-agent/image/images.ts';
import { composeImage, type Workplace } from '../image/compose.ts';
import { digestOf } from '../image/digest.ts';
import type { OperationsWorld, Place } from './place.ts';

/** How a volume's step of the history begins; its target follows. */
export const volumeStep = 'bay commit: volume ';
const clearStep = 'bay commit: without the content of volumes';

export interface Volume {
  readonly target: string;
  readonly source: string;
}

/** Those of the container's own volumes that are meant; `*` is all. @throws StatusError 400 for one it has not */
export function chosenVolumes(
  { mounts }: Place,
  ownDir: string,
  wanted: readonly string[],
): Volume[] {
  const own = mounts.filter(({ source }) => source.startsWith(`${ownDir}/`));
  if (wanted.includes('*')) return own.map(({ target, source }) => ({ target, source }));
  return wanted.map((target) => {
    const found = own.find((mount) => mount.target === target);
    if (found !== undefined) return { target, source: found.source };
    const has = own.map((mount) => mount.target).join(', ') || 'none';
    throw badRequest(`the container has no volume of its own at ${target}; it has: ${has}`);
  });
}

interface Options {
  readonly tags: readonly string[];
  readonly times: 'seconds' | number;
}

/** The image with the volumes on top; what led to it, nameless, goes. */
export async function withVolumes(
  { images }: OperationsWorld,
  image: LocalImage,
  volumes: readonly Volume[],
  { tags, times }: Options,
): Promise<LocalImage> {
  const known = new Set((await images.list()).map(({ digest }) => digest));
  const steps = [
    { createdBy: clearStep, write: (place: Workplace) => clearLayer(place, volumes) },
    ...volumes.map((volume) => ({
      createdBy: `${volumeStep}${volume.target}`,
      write: (place: Workplace) => volumeLayer(place, volume, times),
    })),
  ];
  let made = image;
  for (const [index, { createdBy, write }] of steps.entries()) {
    const isLast = index === steps.length - 1;
    const before = made;
    made = await composeImage(
      images.shelf(),
      { base: before.digest, tags: isLast ? tags : [] },
      async (place) => ({ layer: await write(place), createdBy, config: (config) => config }),
    );
    const isOurs = before.tags.length === 0 && !known.has(before.digest);
    if (isOurs && before.digest !== made.digest) await images.remove(before.digest);
  }
  return made;
}

const inside = (target: string): string => target.replace(/^\/+/, '');

async function clearLayer({ scratch }: Workplace, volumes: readonly Volume[]) {
  const tar = pack();
  for (const { target } of volumes) {
    const path = inside(target);
    const slash = path.lastIndexOf('/') + 1;
    tar.entry({ name: `${path.slice(0, slash)}.wh.${path.slice(slash)}`, mtime: new Date(0) }, '');
  }
  tar.finalize();
  const bytes = await buffer(tar);
  const file = join(scratch, 'layer');
  await writeFile(file, bytes, { mode: 0o600 });
  const digest = digestOf(bytes);
  return { file, digest, tarDigest: digest, sizeBytes: bytes.byteLength };
}

async function volumeLayer(
  { scratch }: Workplace,
  { source, target }: Volume,
  times: 'seconds' | number,
) {
  const file = join(scratch, 'layer');
  const options = { root: source, name: inside(target), output: file, times } as const;
  const { digest, tarDigest, sizeBytes } = await writeTree({ ...options, digests: 'sha256' });
  return { file, digest, tarDigest, sizeBytes };
}
