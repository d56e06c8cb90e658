/** Which images there are and what refers to them: `refs.json`, read once, replaced whole and atomically at each change. */

import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Digest } from './digest.ts';
import type { ImageConfig } from './images.ts';

export interface StoredLayer {
  /** Of the blob, compressed as it came. */
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly chainId: Digest;
  /** Sum of its files' sizes. */
  readonly sizeBytes: number;
}

export interface StoredImage {
  /** Of the manifest. */
  readonly digest: Digest;
  /** Of the configuration. */
  readonly id: Digest;
  readonly tags: readonly string[];
  /** `repository@digest` of each registry's manifest or index that led to it. */
  readonly repoDigests?: readonly string[];
  /** The manifest was made here, for an archive that had none: nobody else knows its digest. */
  readonly isManifestOurs?: true;
  /** Lowest first. */
  readonly layers: readonly StoredLayer[];
  readonly createdAt?: string;
  readonly config: ImageConfig;
}

const VERSION = 1;

export class ImageTable {
  readonly #path: string;
  #images: readonly StoredImage[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws Error when the file is there and cannot be understood */
  async open(): Promise<void> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    const found = parsed(text);
    if (found?.version !== VERSION || !Array.isArray(found.images)) {
      throw new Error(
        `read ${this.#path}: it is damaged or of another version; remove it to start without images`,
      );
    }
    this.#images = found.images;
  }

  all(): readonly StoredImage[] {
    return this.#images;
  }

  /** Makes `images` the truth; on disk before in memory. */
  async replace(images: readonly StoredImage[]): Promise<void> {
    const temporary = `${this.#path}.tmp`;
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify({ version: VERSION, images }));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
    const directory = await open(dirname(this.#path), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
    this.#images = images;
  }
}

function parsed(text: string): { version?: unknown; images?: readonly StoredImage[] } | undefined {
  try {
    return JSON.parse(text) as { version?: unknown; images?: readonly StoredImage[] };
  } catch {
    return undefined;
  }
}
