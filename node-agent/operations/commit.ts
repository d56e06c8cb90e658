/** `docker commit`: what a container changed, on top of its image, as a new image. */
import { join } from 'node:path';
import { badRequest } from '#api/resources/status.ts';
import { listChanges, writeLayer } from '#native/layers.ts';
import type { LocalImage } from '#node-agent/image/images.ts';
import { composeImage } from '../image/compose.ts';
import { withInstructions } from '../image/instructions.ts';
import { exists, type OperationsWorld, type Place } from './place.ts';

export interface CommitOptions {
  /** The new image's name; absent: it has none. */
  readonly reference?: string | undefined;
  readonly author?: string | undefined;
  readonly message?: string | undefined;
  /** Dockerfile instructions on the image's configuration. */
  readonly changes: readonly string[];
  /** What the container's document says of its configuration, in Docker's words. */
  readonly config: (base: Record<string, unknown>) => Record<string, unknown>;
  /** Keeps the times of files; else all have the image's, and the same changes give the same digest. */
  readonly keepTimes?: boolean;
}

export interface Committed {
  readonly image: LocalImage;
  readonly changed: { readonly added: number; readonly modified: number; readonly deleted: number };
}

/** @throws StatusError 400, ImageError */
export async function commit(
  world: OperationsWorld,
  place: Place,
  options: CommitOptions,
): Promise<Committed> {
  const { upper, lowers } = place;
  const hasLayer = await exists(upper);
  const changes = hasLayer ? await listChanges(upper, lowers) : [];
  const count = (kind: string) => changes.filter((change) => change.kind === kind).length;
  const image = await composeImage(
    world.images.shelf(),
    { base: place.image, tags: options.reference === undefined ? [] : [options.reference] },
    async ({ scratch, createdAt }) => {
      const seconds = Math.floor(Date.parse(createdAt) / 1000);
      const file = join(scratch, 'layer');
      const layer =
        changes.length === 0
          ? undefined
          : await writeLayer({
              upper,
              lowers,
              output: file,
              digests: 'sha256',
              times: options.keepTimes === true ? 'seconds' : seconds,
            });
      return {
        ...(layer === undefined
          ? {}
          : {
              layer: {
                file,
                tarDigest: layer.tarDigest,
                digest: layer.digest,
                sizeBytes: layer.sizeBytes,
              },
            }),
        author: options.author,
        comment: options.message,
        createdBy: 'bay commit',
        config: (config) => instructed(options.config(config), options.changes),
      };
    },
  );
  return {
    image,
    changed: { added: count('A'), modified: count('C'), deleted: count('D') },
  };
}

function instructed(config: Record<string, unknown>, changes: readonly string[]) {
  try {
    return withInstructions(config, changes);
  } catch (error) {
    throw badRequest((error as Error).message);
  }
}
