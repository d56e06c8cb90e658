/** What pulls and pushes need of the node's store of images. */

import type { Content } from '../content.ts';
import type { Digest } from '../digest.ts';
import type { StoredImage } from '../image-table.ts';
import type { LocalImage } from '../images.ts';

/** What an image is called: tags, and `repository@digest` of the registries that have it. */
export interface Names {
  readonly tags: readonly string[];
  readonly repoDigests: readonly string[];
  /** Of an image that a peer has made the manifest of. */
  readonly isManifestOurs?: true;
}

export interface Shelf {
  readonly content: Content;
  /** All images there are now. */
  images(): readonly StoredImage[];
  /**
   * Keeps blobs and unpacked layers from being removed until the returned function is called. Resolves when no removal that
   * began before is under way: what is there then, stays.
   */
  hold(digests: readonly Digest[]): Promise<() => void>;
  /** Makes an image exist whose content is in its place. Names are taken from whoever had them; those it had itself stay. */
  keep(image: StoredImage): Promise<LocalImage>;
  /** `keep` of several, all at once or none. */
  keepAll(images: readonly StoredImage[]): Promise<readonly LocalImage[]>;
  /** Removes what no image refers to and nobody holds, after something that failed. */
  collect(): Promise<void>;
  /** Adds names to an image; undefined when it was removed meanwhile. */
  rename(digest: Digest, names: Names): Promise<LocalImage | undefined>;
}
