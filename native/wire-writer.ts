/** Puts a message for a supervisor together: little-endian values, lists and strings, each with its length. */

const encoded = new WeakMap<object, Buffer>();

/** A larger space is not kept. */
const keptSpace = 1 << 18;
/** Kept from one message to the next: memory of this size is not taken from Node's pool. */
let space = Buffer.allocUnsafeSlow(32_768);

/** Appends to a buffer that grows. One at a time. */
export class WireWriter {
  #bytes = space;
  #length = 0;

  #room(size: number): number {
    const at = this.#length;
    this.#length += size;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
      if (larger.length <= keptSpace) space = larger;
    }
    return at;
  }

  u32(value: number): void {
    const at = this.#room(4);
    this.#bytes.writeUInt32LE(value >>> 0, at);
  }

  u64(value: bigint): void {
    const at = this.#room(8);
    this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, value), at);
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    const at = this.#room(value.length + 1);
    this.#bytes.set(value, at);
    this.#bytes[at + value.length] = 0;
  }

  /** @throws TypeError for a string with a NUL, which the kernel would cut short. */
  string(value: string): void {
    if (value.includes('\0')) throw new TypeError(`${JSON.stringify(value)} contains a NUL byte`);
    const at = this.#room(4 + value.length * 3 + 1);
    const size = this.#bytes.write(value, at + 4);
    this.#bytes.writeUInt32LE(size, at);
    this.#bytes[at + 4 + size] = 0;
    this.#length = at + 4 + size + 1;
  }

  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.u32(items.length);
    for (const item of items) write(item);
  }

  strings(items: readonly string[]): void {
    this.list(items, (item) => this.string(item));
  }

  /** A list that is the same object every time is encoded once. */
  fixed<T>(items: readonly T[], write: (item: T) => void): void {
    const known = encoded.get(items);
    if (known !== undefined) {
      const at = this.#room(known.length);
      this.#bytes.set(known, at);
      return;
    }
    const from = this.#length;
    this.list(items, write);
    encoded.set(items, Buffer.from(this.#bytes.subarray(from, this.#length)));
  }

  /** What is frozen is encoded once. */
  item<T extends object>(item: T, write: (item: T) => void): void {
    if (!Object.isFrozen(item)) {
      write(item);
      return;
    }
    const known = encoded.get(item);
    if (known !== undefined) {
      const at = this.#room(known.length);
      this.#bytes.set(known, at);
      return;
    }
    const from = this.#length;
    write(item);
    encoded.set(item, Buffer.from(this.#bytes.subarray(from, this.#length)));
  }

  /** Valid until the next message is written. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
