/**
 * Which images were found to be signed as which policy demands: what a policy's content and an image's digest say does not
 * change, so that a node without its registry still starts what it has. `trusted.json`, replaced whole at each change.
 */
import { open, readFile, rename } from 'node:fs/promises';
import type { Digest } from '../digest.ts';

export class TrustRecord {
  readonly #path: string;
  readonly #present: () => ReadonlySet<string>;
  /** `<policy's hash> <image's digest>` */
  #met = new Set<string>();
  #writing: Promise<unknown> = Promise.resolve();

  /** `present`: digests of the images there are; what is remembered of others is dropped in time. */
  constructor(path: string, present: () => ReadonlySet<string>) {
    this.#path = path;
    this.#present = present;
  }

  /** A file that is absent or damaged is as good as empty: signatures are looked for again. */
  async open(): Promise<void> {
    try {
      const found: unknown = JSON.parse(await readFile(this.#path, 'utf8'));
      if (Array.isArray(found)) this.#met = new Set(found.map(String));
    } catch {
      // Nothing is known.
    }
  }

  has(hash: string, digest: string): boolean {
    return this.#met.has(`${hash} ${digest}`);
  }

  async add(hash: string, digests: readonly Digest[]): Promise<void> {
    const added = digests.map((digest) => `${hash} ${digest}`);
    const present = this.#present();
    const kept = [...this.#met].filter((line) => present.has(line.slice(line.indexOf(' ') + 1)));
    this.#met = new Set([...kept, ...added]);
    const written = this.#writing.then(() => this.#write());
    this.#writing = written.catch(() => undefined);
    await written;
  }

  async #write(): Promise<void> {
    const temporary = `${this.#path}.tmp`;
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify([...this.#met]));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
  }
}
