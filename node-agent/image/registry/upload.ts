/** Sends one blob: not at all where it is there, by a mount where another repository has it, whole, or in chunks. */

import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { Digest } from '../digest.ts';
import { RegistryProblem } from './problem.ts';
import type { Repository } from './repository.ts';
import { waitForNextTry, withRetries } from './retry.ts';
import type { Answer } from './transport.ts';

export interface BlobFile {
  readonly digest: Digest;
  readonly size: number;
  readonly path: string;
}

export interface Upload {
  readonly repository: Repository;
  readonly blob: BlobFile;
  /** Paths of repositories of the same registry that may have it. */
  readonly mountFrom: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes that were sent. */
  readonly onBytes: (bytes: number) => void;
}

/** Larger blobs go in chunks of this size: a cut connection costs one of them. */
const CHUNK_BYTES = 16 * 2 ** 20;
/** Sessions begun anew for one blob, where a registry lost one. */
const MAX_SESSIONS = 3;
const OCTETS = { 'content-type': 'application/octet-stream' };
/** A registry that answers a first chunk so takes blobs only whole. */
const NO_CHUNKS = new Set([400, 404, 405, 411, 415, 416, 501]);

/** `present`: nothing had to be sent. @throws RegistryProblem, and what the signal aborts with */
export async function uploadBlob(upload: Upload): Promise<'present' | 'mounted' | 'sent'> {
  const { repository, blob, signal, mountFrom } = upload;
  const { retry } = repository.parts;
  if (await withRetries(retry, signal, () => isThere(upload))) return 'present';
  let whole = blob.size <= CHUNK_BYTES;
  for (let session = 1; ; session++) {
    const begun = await withRetries(retry, signal, () => begin(upload, mountFrom[session - 1]));
    if (begun.status === 201) return 'mounted';
    try {
      await (whole ? sendWhole(upload, locationOf(begun)) : new Chunks(upload, begun).send());
      return 'sent';
    } catch (error) {
      if (error instanceof WantsWhole) whole = true;
      else await waitForNextTry({ ...retry, tries: MAX_SESSIONS }, session, lost(error), signal);
    }
  }
}

/** A session that the registry does not know any more is begun anew. */
function lost(error: unknown): unknown {
  if (!(error instanceof RegistryProblem) || ![404, 416].includes(error.status ?? 0)) return error;
  return new RegistryProblem('temporary', error.message, { cause: error, advice: error.advice });
}

async function isThere({ repository, blob, signal }: Upload): Promise<boolean> {
  const to = `blobs/${blob.digest}`;
  const { status, body } = await repository.ask({ method: 'HEAD', to, good: [200, 404], signal });
  body.resume();
  return status === 200;
}

async function begin(
  { repository, blob, signal }: Upload,
  from: string | undefined,
): Promise<Answer> {
  const query = from === undefined ? '' : `?${new URLSearchParams({ mount: blob.digest, from })}`;
  const headers = { 'content-length': '0' };
  const to = `blobs/uploads/${query}`;
  const answer = await repository.ask({ method: 'POST', to, headers, good: [201, 202], signal });
  answer.body.resume();
  return answer;
}

/** Where the session goes on. */
function locationOf({ headers, url }: Answer): URL {
  const { location } = headers;
  if (location !== undefined && URL.canParse(location, url.href)) return new URL(location, url);
  const message = `${url.origin}${url.pathname}: the registry does not say where to send the blob`;
  throw new RegistryProblem('refused', message);
}

/** The session's query is the registry's own and stays as it is. */
function closing(location: URL, digest: Digest): URL {
  const url = new URL(location);
  url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}

async function sendWhole(upload: Upload, location: URL): Promise<void> {
  const { repository, blob, signal } = upload;
  const answer = await repository.ask({
    method: 'PUT',
    to: closing(location, blob.digest),
    headers: { ...OCTETS, 'content-length': String(blob.size) },
    body: () => part(upload, 0, blob.size),
    good: [201, 202, 204],
    signal,
  });
  answer.body.resume();
}

function part({ blob, onBytes }: Upload, start: number, end: number): Readable | Buffer {
  if (start === end) return Buffer.alloc(0);
  async function* counted(): AsyncGenerator<Buffer> {
    let sent = start;
    for await (const piece of createReadStream(blob.path, { start, end: end - 1 })) {
      yield piece as Buffer;
      sent += (piece as Buffer).length;
      onBytes(sent);
    }
  }
  return Readable.from(counted(), { objectMode: false });
}

class WantsWhole extends Error {}

/** One session of PATCHes (distribution-spec, "Pushing a blob in chunks"). */
class Chunks {
  readonly #upload: Upload;
  readonly #chunkBytes: number;
  #location: URL;
  #offset = 0;

  constructor(upload: Upload, begun: Answer) {
    this.#upload = upload;
    this.#location = locationOf(begun);
    const least = Number(begun.headers['oci-chunk-min-length'] ?? 0);
    this.#chunkBytes = Math.max(CHUNK_BYTES, Number.isSafeInteger(least) ? least : 0);
  }

  async send(): Promise<void> {
    const { repository, blob, signal } = this.#upload;
    const { retry } = repository.parts;
    let failed = 0;
    while (this.#offset < blob.size) {
      try {
        await this.#sendChunk();
        failed = 0;
      } catch (error) {
        if (this.#offset === 0 && refusesChunks(error)) throw new WantsWhole();
        failed++;
        await waitForNextTry(retry, failed, lost(error), signal);
        await withRetries(retry, signal, () => this.#askOffset());
      }
    }
    await withRetries(retry, signal, () => this.#close());
  }

  async #sendChunk(): Promise<void> {
    const { repository, blob, signal } = this.#upload;
    const start = this.#offset;
    const end = Math.min(start + this.#chunkBytes, blob.size);
    const answer = await repository.ask({
      method: 'PATCH',
      to: this.#location,
      headers: {
        ...OCTETS,
        'content-length': String(end - start),
        'content-range': `${start}-${end - 1}`,
      },
      body: () => part(this.#upload, start, end),
      good: [202],
      signal,
    });
    answer.body.resume();
    this.#goOn(answer, end);
  }

  /** Where the registry is, after a chunk that may or may not have arrived. */
  async #askOffset(): Promise<void> {
    const { repository, signal } = this.#upload;
    const answer = await repository.ask({
      method: 'GET',
      to: this.#location,
      good: [204, 202, 200],
      signal,
    });
    answer.body.resume();
    this.#goOn(answer, 0);
  }

  /** `Range: 0-<last byte it has>`; `0-0` is also how registries say that they have nothing. */
  #goOn(answer: Answer, otherwise: number): void {
    const { range, location } = answer.headers;
    const last = Number(/^(?:bytes=)?0-(\d+)$/.exec(range ?? '')?.[1] ?? Number.NaN);
    const has = last === 0 ? 0 : last + 1;
    this.#offset = Number.isNaN(has) ? otherwise : Math.min(has, this.#upload.blob.size);
    if (location !== undefined) this.#location = locationOf(answer);
    this.#upload.onBytes(this.#offset);
  }

  async #close(): Promise<void> {
    const { repository, blob, signal } = this.#upload;
    const answer = await repository.ask({
      method: 'PUT',
      to: closing(this.#location, blob.digest),
      headers: { ...OCTETS, 'content-length': '0' },
      good: [201, 202, 204],
      signal,
    });
    answer.body.resume();
  }
}

function refusesChunks(error: unknown): boolean {
  return error instanceof RegistryProblem && NO_CHUNKS.has(error.status ?? 0);
}
