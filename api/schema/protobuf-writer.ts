/**
 * Writes the protobuf wire format from the end to the start: a message's length is known when its tag is written, so
 * nothing is measured before and nothing moved after.
 */

const smallText = 32;

/** One buffer that grows. A writer may be used again after `take`. */
export class WireWriter {
  #bytes: Buffer;
  #at: number;

  constructor(bytes = 4096) {
    this.#bytes = Buffer.allocUnsafeSlow(bytes);
    this.#at = bytes;
  }

  /** How many bytes are written: what `close` is told where a message begins, which is its end. */
  get length(): number {
    return this.#bytes.length - this.#at;
  }

  /** A copy of all that is written; the writer is empty again. */
  take(): Buffer {
    const { length } = this;
    const copy = Buffer.allocUnsafeSlow(length);
    this.#bytes.copy(copy, 0, this.#at);
    this.#at = this.#bytes.length;
    return copy;
  }

  /** A field of an integer: int32, int64, uint32, bool. */
  integer(field: number, value: number): void {
    if (Number.isSafeInteger(value) && value >= 0) this.#varint(value);
    else this.#bigVarint(BigInt(Math.trunc(value)));
    this.#varint(field * 8);
  }

  double(field: number, value: number): void {
    this.#reserve(8);
    this.#at -= 8;
    this.#bytes.writeDoubleLE(value, this.#at);
    this.#varint(field * 8 + 1);
  }

  string(field: number, value: string): void {
    const before = this.length;
    if (value.length > smallText || !this.#ascii(value)) {
      const size = Buffer.byteLength(value);
      this.#reserve(size);
      this.#at -= size;
      this.#bytes.write(value, this.#at);
    }
    this.close(field, before);
  }

  bytes(field: number, value: Uint8Array): void {
    this.#reserve(value.length);
    this.#at -= value.length;
    this.#bytes.set(value, this.#at);
    this.#head(field, value.length);
  }

  /** Ends (at its start) the message in `field` whose content has been written since `length` was `before`. */
  close(field: number, before: number): void {
    this.#head(field, this.length - before);
  }

  #head(field: number, length: number): void {
    this.#varint(length);
    this.#varint(field * 8 + 2);
  }

  /** Writes a short text without crossing into native code; false, and nothing written, if it is not ASCII. */
  #ascii(value: string): boolean {
    this.#reserve(value.length);
    const start = this.#at - value.length;
    for (let index = 0; index < value.length; index += 1) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) return false;
      this.#bytes[start + index] = code;
    }
    this.#at = start;
    return true;
  }

  /** Non-negative, below 2^53. */
  #varint(value: number): void {
    this.#reserve(10);
    let size = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
    this.#at -= size;
    let rest = value;
    for (let index = this.#at; rest >= 0x80; index += 1) {
      this.#bytes[index] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#at + size - 1] = rest;
  }

  #bigVarint(value: bigint): void {
    this.#reserve(10);
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, value);
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.#at -= bytes.length;
    this.#bytes.set(bytes, this.#at);
  }

  #reserve(size: number): void {
    if (this.#at >= size) return;
    const { length } = this;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, length + size));
    this.#bytes.copy(grown, grown.length - length, this.#at);
    this.#at = grown.length - length;
    this.#bytes = grown;
  }
}
