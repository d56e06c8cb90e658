/** What a node gives to the others of its images: manifests and blobs that an image here refers to, and nothing else. */
import { open } from 'node:fs/promises';
import type { BlobStore } from '../blob-store.ts';
import { type Digest, isDigest } from '../digest.ts';
import type { StoredImage } from '../image-table.ts';

export interface SharedManifest {
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly isManifestOurs: boolean;
}

export interface SharedBlob {
  readonly sizeBytes: number;
  /** Read-only; the caller closes it. Removing the blob meanwhile does no harm. */
  readonly file: { readonly fd: number; close(): Promise<void> };
}

export class SharedContent {
  readonly #images: () => readonly StoredImage[];
  readonly #blobs: BlobStore;

  constructor(images: () => readonly StoredImage[], blobs: BlobStore) {
    this.#images = images;
    this.#blobs = blobs;
  }

  /** By the manifest's digest, or by the whole tag of an image that came from no registry. */
  async manifest(reference: string): Promise<SharedManifest | undefined> {
    const image = this.#images().find(({ digest, tags, repoDigests = [] }) =>
      isDigest(reference)
        ? digest === reference
        : repoDigests.length === 0 && tags.includes(reference),
    );
    if (image === undefined) return undefined;
    const { digest, isManifestOurs = false } = image;
    return { bytes: await this.#blobs.read(digest), digest, isManifestOurs };
  }

  /** A layer or a configuration. */
  async blob(digest: string): Promise<SharedBlob | undefined> {
    if (!isDigest(digest)) return undefined;
    const isOurs = this.#images().some(
      ({ id, layers }) => id === digest || layers.some((layer) => layer.digest === digest),
    );
    if (!isOurs) return undefined;
    try {
      const file = await open(this.#blobs.path(digest), 'r');
      return { sizeBytes: (await file.stat()).size, file };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}
