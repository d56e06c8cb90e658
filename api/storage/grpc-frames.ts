/** gRPC's message framing: one byte `compressed`, four bytes length (big endian), the message. */

const headerLength = 5;

/** Cuts a stream of bytes into messages, however they are cut into chunks. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #length = 0;
  #needed = headerLength;

  /** The messages completed by this chunk. Throws if one is compressed: we never ask for that. */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#needed) return [];
    const [only] = this.#chunks;
    let rest = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
    const messages: Buffer[] = [];
    for (;;) {
      this.#needed = rest.length < headerLength ? headerLength : frameLength(rest);
      if (rest.length < this.#needed) break;
      messages.push(rest.subarray(headerLength, this.#needed));
      rest = rest.subarray(this.#needed);
    }
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
    return messages;
  }
}

function frameLength(bytes: Buffer): number {
  if (bytes[0] !== 0) throw new Error('the gRPC peer sent a compressed message unasked');
  return headerLength + bytes.readUInt32BE(1);
}
