/**
 * Which images there are and what refers to them: `refs.json`, replaced whole and atomically at each change, and read again
 * when another process has replaced it.
 */

import { readFileSync, statSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
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
  /** The file that `#images` was read from or written to. */
  #version = 'none';

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * All there are now. A look at the file's number and times costs microseconds; it is read only when it is another.
   * @throws Error when the file is there and cannot be understood
   */
  all(): readonly StoredImage[] {
    const version = versionOf(this.#path);
    if (version !== this.#version) {
      this.#images = version === 'none' ? [] : read(this.#path);
      this.#version = version;
    }
    return this.#images;
  }

  /** Makes `images` the truth; on disk before in memory. Call under the session's lock. */
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
    this.#version = versionOf(this.#path);
  }
}

/** Each change is a new file with a new number; times tell it from one that got the number of an old one. */
function versionOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? 'none' : `${found.ino} ${found.ctimeNs} ${found.size}`;
}

function read(path: string): readonly StoredImage[] {
  const found = parsed(readFileSync(path, 'utf8'));
  if (found?.version === VERSION && Array.isArray(found.images)) return found.images;
  throw new Error(
    `read ${path}: it is damaged or of another version; remove it to start without images`,
  );
}

function parsed(text: string): { version?: unknown; images?: readonly StoredImage[] } | undefined {
  try {
    return JSON.parse(text) as { version?: unknown; images?: readonly StoredImage[] };
  } catch {
    return undefined;
  }
}
