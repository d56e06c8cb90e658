/** What `docker image inspect` and `docker history` tell of an image. */
import type { Digest } from './digest.ts';
import type { StoredImage } from './image-table.ts';
import { ImageError } from './images.ts';
import { findImage } from './lookup.ts';
import type { Shelf } from './registry/shelf.ts';
import { familiar } from './save.ts';

interface Step {
  readonly created?: string;
  readonly created_by?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

interface StoredConfig {
  readonly created?: string;
  readonly author?: string;
  readonly architecture?: string;
  readonly variant?: string;
  readonly os?: string;
  readonly config?: Record<string, unknown> | null;
  readonly history?: readonly Step[] | null;
  readonly rootfs?: { readonly diff_ids?: readonly Digest[] | null };
}

/** @throws ImageError `NotFound` */
async function read(shelf: Shelf, reference: string) {
  const image = findImage(shelf.images(), reference)?.image;
  if (image === undefined) {
    throw new ImageError('NotFound', `find the image '${reference}': no such image on this node`);
  }
  const bytes = await shelf.content.blobs.read(image.id);
  return { image, config: JSON.parse(bytes.toString('utf8')) as StoredConfig };
}

const sizeOf = ({ layers }: StoredImage): number =>
  layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

/** In Docker's field names. @throws ImageError `NotFound` */
export async function inspectImage(shelf: Shelf, reference: string): Promise<object> {
  const { image, config } = await read(shelf, reference);
  return {
    Id: image.id,
    RepoTags: image.tags.map(familiar),
    RepoDigests: (image.repoDigests ?? []).map(familiar),
    Comment: config.history?.at(-1)?.comment ?? '',
    Created: config.created ?? '',
    Author: config.author ?? '',
    Config: config.config ?? {},
    Architecture: config.architecture ?? '',
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os ?? '',
    Size: sizeOf(image),
    RootFS: { Type: 'layers', Layers: config.rootfs?.diff_ids ?? [] },
    Descriptor: { digest: image.digest },
  };
}

export interface HistoryStep {
  readonly Id: string;
  /** Seconds since 1970. */
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Tags: readonly string[];
  readonly Size: number;
  readonly Comment: string;
}

/** The newest step first, as Docker has it. @throws ImageError `NotFound` */
export async function imageHistory(
  shelf: Shelf,
  reference: string,
): Promise<readonly HistoryStep[]> {
  const { image, config } = await read(shelf, reference);
  let layer = 0;
  const steps = (config.history ?? image.layers.map((): Step => ({}))).map((step) => {
    const Size = step.empty_layer === true ? 0 : (image.layers[layer++]?.sizeBytes ?? 0);
    const Created = Math.floor(Date.parse(step.created ?? '') / 1000) || 0;
    const { created_by: CreatedBy = '', comment: Comment = '' } = step;
    return { Id: '<missing>', Created, CreatedBy, Tags: [] as readonly string[], Size, Comment };
  });
  return steps
    .reverse()
    .map((step, i) => (i === 0 ? { ...step, Id: image.id, Tags: image.tags } : step));
}
