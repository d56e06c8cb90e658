/** `bay get --watch`: what changes, until it is interrupted; a watch that ends is taken up where it ended. */
import { setTimeout as pause } from 'node:timers/promises';
import type { RemoteClient } from '#api/client/client.ts';
import { eachLine } from '#api/client/watch.ts';
import { hasReason, type Status, StatusError } from '#api/resources/status.ts';

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** A table of one row, or an object, as `accept` asks. */
  readonly object: Record<string, unknown>;
}

interface Line {
  readonly type: string;
  readonly object: Record<string, unknown>;
}

export interface Following {
  /** The path of the list; may have a query. */
  readonly path: string;
  readonly accept: string;
  readonly from: string;
  readonly signal: AbortSignal;
}

/** The newest version that a line tells: its object's, or a table's only row's. */
function versionOf({ object }: Line): string | undefined {
  const { metadata, rows } = object as {
    metadata?: { resourceVersion?: string };
    rows?: { object: { metadata: { resourceVersion?: string } } }[];
  };
  return metadata?.resourceVersion || rows?.[0]?.object.metadata.resourceVersion;
}

const againMs = 1_000;

async function once(
  client: RemoteClient,
  { path, accept, from, signal }: Following,
  tell: (change: Change) => void,
): Promise<string> {
  let version = from;
  const query = `watch=true&allowWatchBookmarks=true&resourceVersion=${from}`;
  const url = `${path}${path.includes('?') ? '&' : '?'}${query}`;
  const stream = await client.streamRequest('GET', url, undefined, { headers: { accept }, signal });
  await new Promise<void>((resolve, reject) => {
    stream.once('close', resolve).once('error', reject);
    eachLine(stream, (text) => {
      try {
        const line = JSON.parse(text) as Line;
        if (line.type === 'ERROR') throw new StatusError(line.object as unknown as Status);
        version = versionOf(line) ?? version;
        if (line.type !== 'BOOKMARK') tell(line as Change);
      } catch (error) {
        stream.destroy();
        reject(error);
      }
    });
  });
  return version;
}

/** Resolves when the signal aborts; rejects if the server refuses, or has forgotten the version. */
export async function follow(
  client: RemoteClient,
  following: Following,
  tell: (change: Change) => void,
): Promise<void> {
  let { from } = following;
  const { signal } = following;
  while (!signal.aborted) {
    try {
      from = await once(client, { ...following, from }, tell);
    } catch (error) {
      if (signal.aborted) return;
      // The server may be about to come back; anything else it says is final.
      if (!hasReason(error, 'ServiceUnavailable') && error instanceof StatusError) throw error;
      await pause(againMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
