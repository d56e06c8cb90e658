/**
 * Port-forward: connections of a client carried to ports of a pod, as seen from inside the pod (its `127.0.0.1`).
 *
 *     SPDY (`portforward.k8s.io`): two streams a connection, `data` and `error`, of one `requestid`
 *     WebSocket (`v4.channel.k8s.io`): `?ports=`; of the n-th port channel 2n carries data, 2n+1 errors; the first
 *         message of each is the port in two bytes, smallest first
 *     WebSocket (`SPDY/3.1+portforward.k8s.io`): SPDY's frames as messages (KEP-4006)
 */
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { SpdyConnection } from './spdy/connection.ts';
import type { SpdyStream } from './spdy/stream.ts';

/** A connection to the port inside the pod. Rejects with the reason in words. */
export type Dial = (port: number) => Promise<Duplex>;

/** A stream whose other half never comes is cut after kubelet's time. */
const pairingMs = 30_000;

interface Pair {
  data?: SpdyStream;
  error?: SpdyStream;
  readonly late: NodeJS.Timeout;
}

/** A port's number; `undefined` if the text is none. */
export function portOf(text: string): number | undefined {
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port > 0 && port < 65_536 ? port : undefined;
}

/** Carries all connections of one client; resolves when it is gone. */
export async function forwardOverSpdy(socket: Duplex, dial: Dial): Promise<void> {
  const pairs = new Map<string, Pair>();
  const connection = new SpdyConnection(socket, (stream) => {
    const type = stream.headers.get('streamtype');
    const port = stream.headers.get('port') ?? '';
    if ((type !== 'data' && type !== 'error') || portOf(port) === undefined) {
      stream.destroy();
      return;
    }
    const id = stream.headers.get('requestid') ?? '';
    const pair = pairs.get(id) ?? { late: setTimeout(() => drop(id), pairingMs) };
    if (pair[type] !== undefined) {
      stream.destroy();
      return;
    }
    pair[type] = stream;
    pairs.set(id, pair);
    const { data, error } = pair;
    if (data === undefined || error === undefined) return;
    clearTimeout(pair.late);
    pairs.delete(id);
    void carry(data, error, Number(port), dial);
  });
  const drop = (id: string) => {
    const pair = pairs.get(id);
    pairs.delete(id);
    pair?.data?.destroy();
    pair?.error?.destroy();
  };
  await connection.closed;
  for (const { late } of pairs.values()) clearTimeout(late);
}

/** One connection from the dial to both its ends. */
async function carry(data: SpdyStream, error: SpdyStream, port: number, dial: Dial): Promise<void> {
  // The client closes its half at once: it only listens.
  error.resume();
  let inside: Duplex;
  try {
    inside = await dial(port);
  } catch (cause) {
    error.end(reason(port, cause));
    await finished(error, { readable: false }).catch(() => undefined);
    data.destroy();
    error.destroy();
    return;
  }
  const failure = await joined(data, inside);
  error.end(failure === undefined ? '' : reason(port, failure));
}

/** The reason as the client shows it. */
export function reason(port: number, cause: unknown): string {
  const why = cause instanceof Error ? cause.message : String(cause);
  return `error forwarding port ${port}: ${why}`;
}

/** Pipes two ways, half closes included; resolves when both ends are closed, with what broke the inner one. */
export function joined(outer: Duplex, inner: Duplex): Promise<Error | undefined> {
  let failure: Error | undefined;
  return new Promise((resolve) => {
    inner.on('error', (error) => {
      failure = error;
    });
    const end = () => {
      outer.destroy();
      inner.destroy();
      resolve(failure);
    };
    inner.once('close', () => {
      // What the pod sent last may still be on its way out.
      if (failure === undefined && !outer.destroyed) outer.end(end);
      else end();
    });
    outer.once('close', end);
    outer.on('error', () => undefined);
    outer.pipe(inner);
    inner.pipe(outer);
  });
}
