/** As much of the protobuf wire format as etcd's messages need: varints and length-delimited fields. */

const varint = 0;
const lengthDelimited = 2;
/** A nested message's length is written into four reserved bytes, as a varint padded to that width. */
const reservedLength = 4;
const grpcHeaderLength = 5;

/**
 * Writes one message with its gRPC frame header into one buffer. Numbers are non-negative safe integers.
 *
 *     const bytes = new MessageWriter(200).bytes(1, key).uint(3, limit).frame();
 */
export class MessageWriter {
  #buffer: Buffer;
  #length = grpcHeaderLength;

  /** `sizeHint`: about how many bytes there will be. */
  constructor(sizeHint = 128) {
    this.#buffer = Buffer.allocUnsafe(sizeHint + 64);
  }

  /** An integer, enum or bool field; zero is the default and is left out. */
  uint(field: number, value: number): this {
    return value === 0 ? this : this.uintOrZero(field, value);
  }

  /** As `uint`, for a field of a oneof: there zero is written out. */
  uintOrZero(field: number, value: number): this {
    this.#varint(field * 8 + varint);
    this.#varint(value);
    return this;
  }

  bytes(field: number, value: Buffer): this {
    this.#varint(field * 8 + lengthDelimited);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#length += value.copy(this.#buffer, this.#length);
    return this;
  }

  /** A nested message with the fields that `write` adds. */
  message(field: number, write: (writer: this) => void): this {
    this.#varint(field * 8 + lengthDelimited);
    this.#reserve(reservedLength);
    const start = this.#length + reservedLength;
    this.#length = start;
    write(this);
    let rest = this.#length - start;
    for (let at = start - reservedLength; at < start; at++) {
      this.#buffer[at] = at === start - 1 ? rest : (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    return this;
  }

  /** The message behind its frame header. */
  frame(): Buffer {
    this.#buffer[0] = 0;
    this.#buffer.writeUInt32BE(this.#length - grpcHeaderLength, 1);
    return this.#buffer.subarray(0, this.#length);
  }

  #varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + more + 64));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/**
 * Walks the fields of a message.
 *
 *     const reader = new MessageReader(bytes);
 *     while (reader.next()) {
 *       if (reader.field === 1) key = reader.bytes();
 *       else reader.skip();
 *     }
 */
export class MessageReader {
  /** The number of the field at hand. */
  field = 0;
  readonly #buffer: Buffer;
  #at = 0;
  #wireType = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  /** Steps to the next field; `false` at the end. Its value must be read or skipped. */
  next(): boolean {
    if (this.#at >= this.#buffer.length) return false;
    const tag = this.int();
    this.field = Math.floor(tag / 8);
    this.#wireType = tag % 8;
    return true;
  }

  /** A non-negative int64, an enum or bool; exact up to 2^53. */
  int(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#buffer[this.#at++];
      if (byte === undefined) throw new RangeError('the protobuf message ends within a number');
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) break;
    }
    return high === 0 ? low >>> 0 : high * 2 ** 32 + (low >>> 0);
  }

  /** A bytes field or a nested message: a part of the buffer read, not a copy. */
  bytes(): Buffer {
    const length = this.int();
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#buffer.length) {
      throw new RangeError('the protobuf message ends within a field');
    }
    return this.#buffer.subarray(start, this.#at);
  }

  text(): string {
    return this.bytes().toString();
  }

  skip(): void {
    if (this.#wireType === varint) this.int();
    else if (this.#wireType === lengthDelimited) this.bytes();
    else if (this.#wireType === 1) this.#at += 8;
    else if (this.#wireType === 5) this.#at += 4;
    else throw new RangeError(`the protobuf wire type ${this.#wireType} is not known`);
  }
}
