/** Content-addressed files: `<directory>/<algorithm>/<hex>`, each complete and verified from the moment it has its name. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ALGORITHMS, algorithmOf, type Digest, digestOf, hexOf } from './digest.ts';

export class BlobStore {
  readonly #directory: string;
  readonly #scratch: (name: string) => string;

  /** `directory` is made by `open`; `scratch` gives a path nobody has, on the same file system. */
  constructor(directory: string, scratch: (name: string) => string) {
    this.#directory = directory;
    this.#scratch = scratch;
  }

  async open(): Promise<void> {
    for (const algorithm of ALGORITHMS) {
      await mkdir(join(this.#directory, algorithm), { recursive: true, mode: 0o700 });
    }
  }

  path(digest: Digest): string {
    return join(this.#directory, algorithmOf(digest), hexOf(digest));
  }

  has(digest: Digest): Promise<boolean> {
    return exists(this.path(digest));
  }

  /** Gives a file whose digest was verified its place; `file` must be on the same file system and keeps its own name. */
  async adopt(file: string, digest: Digest): Promise<void> {
    await link(file, this.path(digest)).catch(ignoreExisting);
  }

  /** Keeps bytes made or verified here. @throws Error when they have another digest than the one given */
  async put(bytes: Buffer, expected?: Digest): Promise<Digest> {
    const digest = digestOf(bytes, expected && algorithmOf(expected));
    if (expected !== undefined && expected !== digest) {
      throw new Error(`keep ${expected}: the bytes have the digest ${digest}`);
    }
    const path = this.path(digest);
    if (await exists(path)) return digest;
    const temporary = this.#scratch('blob');
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    return digest;
  }

  read(digest: Digest): Promise<Buffer> {
    return readFile(this.path(digest));
  }

  /** Whether all are there with the content their names say; reads them whole. */
  async areSound(digests: readonly Digest[]): Promise<boolean> {
    for (const digest of digests) {
      const hash = createHash(algorithmOf(digest));
      try {
        for await (const piece of createReadStream(this.path(digest))) hash.update(piece);
      } catch {
        return false;
      }
      if (hash.digest('hex') !== hexOf(digest)) return false;
    }
    return true;
  }

  /** Removes every file that is no blob in `keep`. */
  async removeAllBut(keep: ReadonlySet<Digest>): Promise<void> {
    for (const algorithm of ALGORITHMS) {
      const directory = join(this.#directory, algorithm);
      for (const name of await readdir(directory)) {
        if (!keep.has(`${algorithm}:${name}`)) await rm(join(directory, name), { force: true });
      }
    }
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
