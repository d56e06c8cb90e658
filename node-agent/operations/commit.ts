/** `docker commit`: what a container changed, on top of its image, as a new image. */
import { join } from 'node:path';
import { badRequest } from '#api/resources/status.ts';
import { type Archived, type LayerArchived, writeLayer } from '#native/layers.ts';
import type { LocalImage } from '#node-agent/image/images.ts';
import { composeImage } from '../image/compose.ts';
import { withInstructions } from '../image/instructions.ts';
import { exists, type OperationsWorld, type Place } from './place.ts';
import { chosenVolumes, withVolumes } from './volume-layers.ts';

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
  /** Where volumes are mounted that go into the image, too; `*`: all of the container's own. */
  readonly volumes?: readonly string[];
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
  const own = place.uid === undefined ? '' : world.kept.dir(place.uid);
  const volumes = chosenVolumes(place, own, options.volumes ?? []);
  const tags = options.reference === undefined ? [] : [options.reference];
  const hasLayer = await exists(upper);
  let changed = { added: 0, modified: 0, deleted: 0 };
  let times: 'seconds' | number = 'seconds';
  const image = await composeImage(
    world.images.shelf(),
    { base: place.image, tags: volumes.length === 0 ? tags : [] },
    async ({ scratch, createdAt }) => {
      if (options.keepTimes !== true) times = Math.floor(Date.parse(createdAt) / 1000);
      const file = join(scratch, 'layer');
      const written = hasLayer
        ? await writeLayer({ upper, lowers, output: file, digests: 'sha256', times })
        : undefined;
      if (written !== undefined) changed = counts(written);
      const hasChanged = Object.values(changed).some((count) => count > 0);
      const layer = written === undefined || !hasChanged ? {} : { layer: of(file, written) };
      return {
        ...layer,
        author: options.author,
        comment: options.message,
        createdBy: 'bay commit',
        config: (config) => instructed(options.config(config), options.changes),
      };
    },
  );
  const whole =
    volumes.length === 0 ? image : await withVolumes(world, image, volumes, { tags, times });
  return { image: whole, changed };
}

const counts = ({ added, changed, deleted }: LayerArchived) => ({
  added,
  modified: changed,
  deleted,
});

/** A tar's blocks: one for each entry, two at its end; what is left is content, filled up to whole blocks. */
const blockBytes = 512;

const of = (file: string, { tarDigest, digest, sizeBytes, tarBytes, entries }: Archived) => ({
  file,
  tarDigest,
  digest,
  sizeBytes,
  contentBytes: Math.max(0, tarBytes - (entries + 2) * blockBytes),
});

function instructed(config: Record<string, unknown>, changes: readonly string[]) {
  try {
    return withInstructions(config, changes);
  } catch (error) {
    throw badRequest((error as Error).message);
  }
}
