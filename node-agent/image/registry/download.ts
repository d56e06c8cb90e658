/** Brings one blob into a file: goes on where an earlier try stopped, checks size and digest as the bytes come. */

import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { algorithmOf, type Digest } from '../digest.ts';
import { networkProblem, RegistryProblem } from './problem.ts';
import { type RetryPolicy, waitForNextTry } from './retry.ts';
import type { Answer } from './transport.ts';

export interface BlobSource {
  /** For errors. */
  readonly name: string;
  /** Asks for the blob from `offset` on. @throws RegistryProblem */
  get(offset: number, signal: AbortSignal): Promise<Answer>;
}

export interface Download {
  readonly digest: Digest;
  readonly size: number;
  /** Holds what came so far; its name is the caller's. */
  readonly path: string;
  /** Asked one after the other, each until it is given up. */
  readonly sources: readonly BlobSource[];
  readonly retry: RetryPolicy;
  readonly signal: AbortSignal;
  /** Called with the bytes there are. */
  readonly onBytes: (bytes: number) => void;
}

/** Content that is wrong is fetched once more: the file may have been damaged by what was there before. */
const MAX_WRONG = 2;
/** A transfer that gets on may be cut this often. */
const MAX_CUTS = 100;
const READ_BYTES = 1 << 20;

/**
 * Resolves when the file is whole and right. What came stays in the file when it rejects, unless it is wrong.
 * @throws RegistryProblem, and what the signal aborts with
 */
export async function downloadBlob(download: Download): Promise<void> {
  const file = await open(download.path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const partial = new PartialBlob(file, download);
    await partial.recall();
    await fromSources(partial, download);
  } finally {
    await file.close();
  }
}

async function fromSources(partial: PartialBlob, download: Download): Promise<void> {
  for (const [i, source] of download.sources.entries()) {
    try {
      await fromSource(partial, download, source);
      return;
    } catch (error) {
      const isLast = i === download.sources.length - 1;
      if (isLast || download.signal.aborted || !(error instanceof RegistryProblem)) throw error;
    }
  }
}

async function fromSource(
  partial: PartialBlob,
  { retry, signal }: Download,
  source: BlobSource,
): Promise<void> {
  let wrong = 0;
  for (let failed = 1, cuts = 0; ; failed++, cuts++) {
    const before = partial.bytes;
    try {
      await partial.fill(source);
      await partial.verify(source);
      return;
    } catch (error) {
      signal.throwIfAborted();
      const isWrong = error instanceof RegistryProblem && error.kind === 'content';
      if (isWrong && ++wrong < MAX_WRONG) continue;
      if (partial.bytes > before && cuts < MAX_CUTS) failed = 1;
      await waitForNextTry(retry, failed, error, signal);
    }
  }
}

class PartialBlob {
  readonly #file: FileHandle;
  readonly #download: Download;
  #hash: Hash;
  #bytes = 0;

  constructor(file: FileHandle, download: Download) {
    this.#file = file;
    this.#download = download;
    this.#hash = createHash(algorithmOf(download.digest));
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes up what an earlier download left. */
  async recall(): Promise<void> {
    const { size } = await this.#file.stat();
    if (size > this.#download.size) return this.#clear();
    const piece = Buffer.allocUnsafe(Math.min(READ_BYTES, size));
    while (this.#bytes < size) {
      const { bytesRead } = await this.#file.read(piece, 0, piece.length, this.#bytes);
      if (bytesRead === 0) break;
      this.#hash.update(piece.subarray(0, bytesRead));
      this.#bytes += bytesRead;
    }
    this.#download.onBytes(this.#bytes);
  }

  async fill(source: BlobSource): Promise<void> {
    const { size, signal } = this.#download;
    if (this.#bytes === size) return;
    const answer = await source.get(this.#bytes, signal);
    if (!this.#goesOn(answer)) {
      await this.#clear();
      if (answer.status !== 200) {
        answer.body.destroy();
        throw new RegistryProblem('temporary', `${source.name}: does not go on in the middle`);
      }
    }
    await this.#take(source, answer);
    if (this.#bytes < size) {
      const message = `${source.name}: the stream ended after ${this.#bytes} of ${size} bytes`;
      throw new RegistryProblem('temporary', message);
    }
  }

  /** Whether the body begins where we stopped; a registry without ranges begins anew. */
  #goesOn({ status, headers }: Answer): boolean {
    if (this.#bytes === 0 && status === 200) return true;
    return status === 206 && headers['content-range']?.startsWith(`bytes ${this.#bytes}-`) === true;
  }

  async #take(source: BlobSource, { body, url }: Answer): Promise<void> {
    const { size, onBytes } = this.#download;
    let written: Promise<unknown> = Promise.resolve();
    try {
      for await (const piece of whileConnected(source.name, url.host, body)) {
        if (this.#bytes + piece.length > size) {
          const message = `${source.name}: sends more than the ${size} bytes its manifest names`;
          throw new RegistryProblem('content', message);
        }
        await written;
        written = this.#file.write(piece, 0, piece.length, this.#bytes);
        written.catch(() => undefined); // met with the next piece, or at the end
        this.#hash.update(piece);
        this.#bytes += piece.length;
        onBytes(this.#bytes);
      }
    } catch (error) {
      await written;
      if (error instanceof RegistryProblem && error.kind === 'content') await this.#clear();
      throw error;
    }
    await written;
  }

  /** Wrong content is thrown away. */
  async verify({ name }: BlobSource): Promise<void> {
    const { digest } = this.#download;
    const found = `${algorithmOf(digest)}:${this.#hash.copy().digest('hex')}`;
    if (found === digest) return;
    await this.#clear();
    const message = `${name}: the content has the digest ${found}, not ${digest}; the registry or a proxy damages it`;
    throw new RegistryProblem('content', message);
  }

  async #clear(): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = createHash(algorithmOf(this.#download.digest));
    this.#bytes = 0;
    this.#download.onBytes(0);
  }
}

/** The body's pieces; its failures, and no others, are those of the network. */
async function* whileConnected(
  name: string,
  host: string,
  body: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  try {
    for await (const piece of body) yield piece;
  } catch (error) {
    throw networkProblem(name, host, error);
  }
}
