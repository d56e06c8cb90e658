/** Content-addressed files: `<directory>/sha256/<hex>`, each complete and verified from the moment it has its name. */

import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOf, hexOf } from './digest.ts';

export class BlobStore {
  readonly #directory: string;

  /** `directory` is made by `open`. */
  constructor(directory: string) {
    this.#directory = join(directory, 'sha256');
  }

  async open(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
  }

  path(digest: Digest): string {
    return join(this.#directory, hexOf(digest));
  }

  has(digest: Digest): Promise<boolean> {
    return exists(this.path(digest));
  }

  /** Gives a file whose digest was verified its place; `file` must be on the same file system and keeps its own name. */
  async adopt(file: string, digest: Digest): Promise<void> {
    await link(file, this.path(digest)).catch(ignoreExisting);
  }

  /** Keeps bytes made here. */
  async put(bytes: Buffer): Promise<Digest> {
    const digest = digestOf(bytes);
    const path = this.path(digest);
    if (await exists(path)) return digest;
    const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
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
      const hash = createHash('sha256');
      try {
        for await (const piece of createReadStream(this.path(digest))) hash.update(piece);
      } catch {
        return false;
      }
      if (`sha256:${hash.digest('hex')}` !== digest) return false;
    }
    return true;
  }

  /** Removes every blob not in `keep`, and what an interrupted `put` left. */
  async removeAllBut(keep: ReadonlySet<Digest>): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (!keep.has(`sha256:${name}`)) await rm(join(this.#directory, name), { force: true });
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
