/** The protobuf wire format: tags, varints, length-delimited fields. RangeError where the bytes end too soon. */

const utf8 = new TextDecoder();

/** Walks the fields of one message. After `next()` read the field with exactly one of the other methods. */
export class WireReader {
  /** The number of the field under the reader. */
  field = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #wireType = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    if (this.#at >= this.#bytes.length) return false;
    const tag = Number(this.varint());
    this.field = Math.floor(tag / 8);
    this.#wireType = tag % 8;
    if (this.field === 0) throw new RangeError('proto: illegal tag 0');
    return true;
  }

  /** An unsigned varint; a negative int32 or int64 comes as its 64-bit two's complement. */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw new RangeError('unexpected EOF');
      this.#at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('proto: integer overflow');
  }

  /** A signed integer. Beyond 2^53 the nearest number. */
  integer(): number {
    this.#expect(0);
    return Number(BigInt.asIntN(64, this.varint()));
  }

  double(): number {
    this.#expect(1);
    this.#need(8);
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  /** A view into the message, not a copy. */
  bytes(): Uint8Array {
    this.#expect(2);
    const length = Number(this.varint());
    this.#need(length);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  string(): string {
    return utf8.decode(this.bytes());
  }

  skip(): void {
    switch (this.#wireType) {
      case 0:
        this.varint();
        return;
      case 1:
        this.#need(8);
        this.#at += 8;
        return;
      case 2:
        this.bytes();
        return;
      case 5:
        this.#need(4);
        this.#at += 4;
        return;
      default:
        throw new RangeError(`proto: illegal wireType ${this.#wireType}`);
    }
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) {
      throw new RangeError(`proto: wrong wireType = ${this.#wireType} for field ${this.field}`);
    }
  }

  #need(length: number): void {
    if (this.#at + length > this.#bytes.length) throw new RangeError('unexpected EOF');
  }
}
