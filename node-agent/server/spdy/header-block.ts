/**
 * Header blocks: the number of pairs, then each name and value with its length before it, all in one zlib stream a
 * direction that starts from the protocol's dictionary.
 */
import { createInflate, type Inflate } from 'node:zlib';
import { dictionary } from './dictionary.ts';
import { ProtocolError, words } from './frames.ts';

export type Headers = ReadonlyMap<string, string>;

/** What a block may be once unpacked: a small one must not become memory without end. */
const bytesMax = 64 * 1024;
const pairsMax = 128;

/** Unpacks the blocks of one connection, in their order. */
export class HeaderReader {
  readonly #inflate: Inflate;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #fail: ((error: Error) => void) | undefined;

  constructor() {
    this.#inflate = createInflate({ dictionary });
    this.#inflate.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length;
      if (this.#bytes > bytesMax) this.close(new ProtocolError('headers are too large'));
      else this.#chunks.push(chunk);
    });
    this.#inflate.on('error', (error) => this.#fail?.(new ProtocolError(error.message)));
  }

  /** Rejects with `ProtocolError`. */
  async read(block: Buffer): Promise<Headers> {
    this.#chunks = [];
    this.#bytes = 0;
    await new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      // The callback comes when all of the block is unpacked and told.
      this.#inflate.write(block, () => setImmediate(resolve));
    });
    return parse(Buffer.concat(this.#chunks));
  }

  close(error: Error = new ProtocolError('closed')): void {
    this.#fail?.(error);
    this.#inflate.destroy();
  }
}

function parse(bytes: Buffer): Headers {
  let at = 0;
  const number = (): number => {
    if (at + 4 > bytes.length) throw new ProtocolError('headers end early');
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > bytes.length) throw new ProtocolError('headers end early');
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  const pairs = number();
  if (pairs > pairsMax) throw new ProtocolError(`${pairs} headers`);
  const headers = new Map<string, string>();
  for (let i = 0; i < pairs; i++) {
    const name = text().toLowerCase();
    headers.set(name, text());
  }
  return headers;
}

/** zlib's head: 32 KiB window, no dictionary (it is the reader's to have, not ours to use). */
const zlibHead = Buffer.from([0x78, 0x01]);
/** An empty stored block: without it Go's reader goes on to the next block before it tells this one. */
const flush = Buffer.from([0, 0, 0, 0xff, 0xff]);

/**
 * An answer's block without any header, packed as a stored block: no state to keep. `first` of a connection carries
 * zlib's head.
 */
export function emptyBlock({ first }: { readonly first: boolean }): Buffer {
  const plain = words(0);
  const stored = Buffer.from([0, plain.length, 0, ~plain.length & 0xff, 0xff]);
  return Buffer.concat([...(first ? [zlibHead] : []), stored, plain, flush]);
}
