/** Finds images by what people call them. Pure: works on the table's content. */

import { ALGORITHMS, isDigest } from './digest.ts';
import type { StoredImage } from './image-table.ts';
import { ImageError, type LocalImage } from './images.ts';
import { candidateTags, normalizedTag, parseReference } from './reference.ts';

export interface Found {
  readonly image: StoredImage;
  /** The tag it was found by; absent when it was an ID or a digest. */
  readonly tag?: string;
}

/**
 * By digest (`repo@sha256:…`), by tag (see `candidateTags`), by ID or the start of one.
 * @throws ImageError `InvalidReference`, or `Ambiguous` when an ID's start fits several
 */
export function findImage(images: readonly StoredImage[], reference: string): Found | undefined {
  const at = reference.indexOf('@');
  if (at !== -1) {
    parseReference(reference);
    const digest = reference.slice(at + 1);
    const image = images.find((candidate) => hasDigest(candidate, digest));
    return image && { image };
  }
  return byTag(images, reference) ?? byId(images, reference);
}

/** Whether the manifest, or an index it was found by, has the digest. */
export function hasDigest({ digest, repoDigests = [] }: StoredImage, wanted: string): boolean {
  return digest === wanted || repoDigests.some((name) => name.endsWith(`@${wanted}`));
}

function isId(text: string): boolean {
  return (
    /^sha(?:256:[a-f0-9]{1,64}|512:[a-f0-9]{1,128})$/.test(text) ||
    /^(?:[a-f0-9]{64}){1,2}$/.test(text)
  );
}

function byTag(images: readonly StoredImage[], reference: string): Found | undefined {
  if (isId(reference)) return undefined;
  for (const tag of candidateTags(reference)) {
    const image = images.find(({ tags }) => tags.includes(tag));
    if (image !== undefined) return { image, tag };
  }
  return undefined;
}

function byId(images: readonly StoredImage[], text: string): Found | undefined {
  const starts = /^sha\d+:/.test(text) ? [text] : ALGORITHMS.map((name) => `${name}:${text}`);
  if (!starts.some(isId)) return undefined;
  const fitting = images.filter(({ id, digest }) =>
    starts.some((start) => id.startsWith(start) || digest === start),
  );
  const ids = new Set(fitting.map(({ id }) => id));
  if (ids.size > 1) {
    throw new ImageError(
      'Ambiguous',
      `find the image '${text}': ${ids.size} images begin so; give more of the ID`,
    );
  }
  const [image] = fitting;
  return image && { image };
}

/**
 * The full form of a new tag.
 * @throws ImageError `InvalidReference`, also for a digest: content alone decides that
 */
export function newTag(text: string): string {
  const reference = parseReference(text);
  if (reference.digest !== undefined || isDigest(text)) {
    throw new ImageError(
      'InvalidReference',
      `tag an image as '${text}': a digest cannot be chosen`,
    );
  }
  return normalizedTag(reference);
}

/** The table with `image` in it: its tags are taken from whoever had them; the tags it had itself stay. */
export function withImage(
  images: readonly StoredImage[],
  image: StoredImage,
): readonly StoredImage[] {
  const known = images.find(({ digest }) => digest === image.digest);
  const tags = [...new Set([...(known?.tags ?? []), ...image.tags])];
  const repoDigests = new Set([...(known?.repoDigests ?? []), ...(image.repoDigests ?? [])]);
  const others = images
    .filter((other) => other !== known)
    .map((other) => ({ ...other, tags: other.tags.filter((tag) => !image.tags.includes(tag)) }));
  const { repoDigests: _, ...rest } = image;
  const digests = repoDigests.size === 0 ? {} : { repoDigests: [...repoDigests] };
  return [...others, { ...rest, tags, ...digests }];
}

/** What the table's image looks like to others. */
export function localImage(image: StoredImage): LocalImage {
  return {
    id: image.id,
    digest: image.digest,
    tags: image.tags,
    ...(image.repoDigests === undefined ? {} : { repoDigests: image.repoDigests }),
    sizeBytes: image.layers.reduce((sum, layer) => sum + layer.sizeBytes, 0),
    ...(image.createdAt === undefined ? {} : { createdAt: image.createdAt }),
    config: image.config,
  };
}

/** For what a person calls an image that is not here. */
export function noSuchImage(reference: string): ImageError {
  return new ImageError(
    'NotFound',
    `find the image '${reference}': no such image on this node; load it or check the name`,
  );
}
