/** Reads many blobs with one run of `git cat-file --batch`: those that are asked for in one turn of the event loop. */

interface Asked {
  readonly id: string;
  readonly resolve: (content: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

/** A run's ids and its output have bounds. */
const perRun = 500;

export class BlobReader {
  readonly #batch: (ids: readonly string[]) => Promise<Buffer>;
  #asked: Asked[] = [];

  /** `batch` answers with `ID blob BYTES\nCONTENT\n` for each id, in their order. */
  constructor(batch: (ids: readonly string[]) => Promise<Buffer>) {
    this.#batch = batch;
  }

  read(id: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ id, resolve, reject });
      if (this.#asked.length === 1) setImmediate(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    const all = this.#asked;
    this.#asked = [];
    for (let at = 0; at < all.length; at += perRun) {
      const some = all.slice(at, at + perRun);
      try {
        this.#answer(some, await this.#batch(some.map(({ id }) => id)));
      } catch (error) {
        for (const { reject } of some) reject(error);
      }
    }
  }

  #answer(asked: readonly Asked[], output: Buffer): void {
    let at = 0;
    for (const { id, resolve, reject } of asked) {
      const end = output.indexOf('\n', at);
      const [, type, bytes] = output.toString('utf8', at, end).split(' ');
      at = end + 1;
      if (type !== 'blob') {
        reject(new Error(`read the object ${id}: git says ${type ?? 'nothing'}`));
        continue;
      }
      resolve(output.subarray(at, at + Number(bytes)));
      at += Number(bytes) + 1;
    }
  }
}
