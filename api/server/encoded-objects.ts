/**
 * Stored objects in a form that takes long to make, kept for who asks next: lists ask for the same thousands again and
 * again. Bounded, and forgotten when nobody asks any more.
 */
import type { Entry } from '../storage/entry.ts';

interface Encoded {
  /** What it is encoded as. */
  readonly form: object;
  readonly bytes: Buffer;
}

/** A list of 10,000 pods is some 45 MB. There are at most two generations of this size. */
const generationBytes = 64 * 1024 * 1024;
/** What nobody has asked for in this time, and in up to as much again, is forgotten. */
const idleMs = 60_000;

export class EncodedObjects {
  readonly #limit: number;
  #young = new WeakMap<Entry, Encoded>();
  #old = new WeakMap<Entry, Encoded>();
  #bytes = 0;
  #isUsed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(limit = generationBytes) {
    this.#limit = limit;
  }

  /** The entry as `form`, which `make` makes if it is not held. One form of an entry is held at a time. */
  of(entry: Entry, form: object, make: () => Buffer): Buffer {
    const young = this.#young.get(entry);
    if (young?.form === form) return young.bytes;
    const old = this.#old.get(entry);
    const encoded = old?.form === form ? old : { form, bytes: make() };
    this.#hold(entry, encoded);
    return encoded.bytes;
  }

  #hold(entry: Entry, encoded: Encoded): void {
    if (this.#bytes + encoded.bytes.length > this.#limit) {
      this.#old = this.#young;
      this.#young = new WeakMap();
      this.#bytes = 0;
    }
    this.#young.set(entry, encoded);
    this.#bytes += encoded.bytes.length;
  }

  /** Somebody asks: what is held is held for a while longer. */
  used(): void {
    this.#isUsed = true;
    this.#timer ??= setTimeout(() => this.#forgetUnused(), idleMs).unref();
  }

  #forgetUnused(): void {
    this.#timer = undefined;
    if (this.#isUsed) {
      this.#isUsed = false;
      this.#timer = setTimeout(() => this.#forgetUnused(), idleMs).unref();
      return;
    }
    this.#young = new WeakMap();
    this.#old = new WeakMap();
    this.#bytes = 0;
  }
}
