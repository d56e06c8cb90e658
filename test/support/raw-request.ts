/** Requests with every header in hand, for what the client hides: codes, headers, bytes. */
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { join } from 'node:path';
import { Session } from '#api/client/session.ts';
import type { TestServer } from './api-server.ts';

export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of every shape.
  readonly json: any;
}

export interface RawOptions {
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: unknown;
  /** Whose certificate: `admin` unless told; `''` for none. */
  readonly identity?: string;
}

export interface RawBytes {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** One request on a connection of its own. */
export async function raw(
  server: Pick<TestServer, 'url' | 'pki'>,
  method: string,
  path: string,
  options: RawOptions = {},
): Promise<RawResponse> {
  const { status, headers, bytes } = await rawBytes(server, method, path, options);
  const text = bytes.toString();
  return {
    status,
    headers,
    text,
    get json() {
      return JSON.parse(text);
    },
  };
}

/** The same for answers that are no text. */
export async function rawBytes(
  { url, pki }: Pick<TestServer, 'url' | 'pki'>,
  method: string,
  path: string,
  { headers = {}, body, identity = 'admin' }: RawOptions = {},
): Promise<RawBytes> {
  const read = (file: string) => readFileSync(join(pki, file), 'utf8');
  const own =
    identity === '' ? {} : { cert: read(`${identity}.crt`), key: read(`${identity}.key`) };
  const session = new Session({ server: url, ca: read('ca.crt'), ...own } as never);
  try {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const response = await session.exchange(method, path, {
      headers: { ...type, ...headers },
      ...(body === undefined ? {} : { body: bytes }),
    });
    return { status: response.status, headers: response.headers, bytes: response.body };
  } finally {
    session.close();
  }
}
