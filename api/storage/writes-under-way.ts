/** Objects on their way to the store: what comes back with the same bytes need not be parsed. */
import type { KubeObject } from '../resources/meta.ts';
import type { Entry } from './entry.ts';

export interface Written {
  readonly value: Buffer;
  /** What the value was encoded from; not to be changed any more. */
  readonly object: KubeObject;
}

export class WritesUnderWay {
  readonly #written = new Map<string, Written>();

  /** Returns what takes it out again, to be called once the write is over. */
  add(key: string, written: Written): () => void {
    this.#written.set(key, written);
    return () => {
      if (this.#written.get(key) === written) this.#written.delete(key);
    };
  }

  /** Tells the entry what its value was made from, if that is known. */
  recognize(entry: Entry, value: Buffer): void {
    const written = this.#written.get(entry.key);
    if (written?.value.equals(value)) entry.madeFrom(written.object);
  }
}
