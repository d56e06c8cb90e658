/** The images of one node, asked of its agent through the API server. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { RemoteClient } from '#api/client/client.ts';
import { failure, hasReason } from '#api/resources/status.ts';

export interface HeldImage {
  /** Of the manifest. */
  readonly digest: string;
  readonly tags: readonly string[];
  readonly repoDigests?: readonly string[];
  readonly sizeBytes: number;
  readonly createdAt?: string;
}

export interface Login {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

export interface TransferOptions {
  readonly login?: Login | undefined;
  readonly signal: AbortSignal;
  /** Bytes that are there, of those known of so far. */
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
}

/** What the controller asks of nodes. All reject with StatusError. */
export interface NodeImages {
  list(node: string, signal: AbortSignal): Promise<readonly HeldImage[]>;
  pull(node: string, reference: string, options: TransferOptions): Promise<void>;
  push(node: string, reference: string, options: TransferOptions): Promise<{ digest: string }>;
  /** Loads an archive that another server has. */
  loadFrom(node: string, url: string, options: TransferOptions): Promise<readonly HeldImage[]>;
  tag(node: string, source: string, target: string, signal: AbortSignal): Promise<void>;
  /** Takes a name away; that it is gone already is as good. */
  remove(node: string, name: string, signal: AbortSignal): Promise<void>;
}

interface Line {
  readonly layer?: string;
  readonly status?: string;
  readonly bytes?: number;
  readonly total?: number;
  readonly digest?: string;
  readonly error?: { readonly code: number; readonly reason: string; readonly message: string };
}

/** Through the proxy of the API server: its rights and its certificates are ours. */
export function remoteNodeImages(client: RemoteClient): NodeImages {
  const path = (node: string, rest: string) => `/api/v1/nodes/${node}/proxy/images${rest}`;
  const transfer = async (
    node: string,
    verb: string,
    reference: string,
    { login, signal, onProgress }: TransferOptions,
  ): Promise<Line> => {
    const auth = Buffer.from(JSON.stringify(login ?? {})).toString('base64url');
    const headers = login === undefined ? {} : { 'x-registry-auth': auth };
    const query = `/${verb}?${new URLSearchParams({ reference })}`;
    const stream = await client.streamRequest('POST', path(node, query), undefined, {
      headers,
      signal,
    });
    return lastLine(stream, onProgress);
  };
  return {
    list: async (node, signal) =>
      (await client.request('GET', path(node, ''), undefined, signal)) as readonly HeldImage[],
    pull: async (node, reference, options) => {
      await transfer(node, 'pull', reference, options);
    },
    push: async (node, reference, options) => {
      const { digest = '' } = await transfer(node, 'push', reference, options);
      return { digest };
    },
    loadFrom: async (node, url, { signal, onProgress }) => {
      const { fetched } = await import('./fetched.ts');
      const body = await fetched(url, onProgress, signal);
      const answer = await client.streamRequest('POST', path(node, '/load'), body, { signal });
      return JSON.parse(await textOf(answer)) as readonly HeldImage[];
    },
    tag: async (node, source, target, signal) => {
      const query = new URLSearchParams({ source, target });
      await client.request('POST', path(node, `/tag?${query}`), undefined, signal);
    },
    remove: async (node, name, signal) => {
      const gone = (error: unknown) => {
        if (!hasReason(error, 'NotFound')) throw error;
      };
      await client
        .request('DELETE', path(node, `/${encodeURIComponent(name)}?force=true`), undefined, signal)
        .catch(gone);
    },
  };
}

async function textOf(stream: Readable): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}

/** Sums up what layers tell of themselves; the last line says how it went. */
async function lastLine(
  stream: Readable,
  onProgress: TransferOptions['onProgress'],
): Promise<Line> {
  const layers = new Map<string, { readonly bytes: number; readonly total: number }>();
  let last: Line = {};
  for await (const text of createInterface({ input: stream })) {
    last = JSON.parse(text) as Line;
    const { layer, status, bytes = 0, total = 0 } = last;
    if (layer === undefined) continue;
    const isThere = status === 'present' || status === 'done';
    layers.set(layer, { bytes: isThere ? total : bytes, total });
    const sum = (of: 'bytes' | 'total') =>
      [...layers.values()].reduce((all, one) => all + one[of], 0);
    onProgress(sum('bytes'), sum('total'));
  }
  const { error } = last;
  if (error !== undefined) throw failure(error.code, error.reason, error.message);
  if (last.layer !== undefined || Object.keys(last).length === 0) {
    throw failure(502, 'BadGateway', 'the node broke off before it said how it went');
  }
  return last;
}
