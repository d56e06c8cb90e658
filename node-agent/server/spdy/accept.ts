/** The upgrade to SPDY/3.1, with Kubernetes' choice of what is spoken over its streams. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { badRequest, failure } from '#api/resources/status.ts';

export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

const header = 'x-stream-protocol-version';

export const isSpdy = ({ headers }: IncomingMessage): boolean =>
  headers.upgrade?.toLowerCase() === 'spdy/3.1';

/** The names of a list in a header. */
export function namesIn(value: string | readonly string[] | undefined): string[] {
  return [value ?? '']
    .flat()
    .flatMap((part) => part.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** The first the client offers that we know. @throws StatusError 400, 403 */
export function negotiated(request: IncomingMessage, known: readonly string[]): string {
  const offered = namesIn(request.headers[header]);
  if (offered.length === 0) {
    throw badRequest(`unable to upgrade: the header ${header} names no protocol`);
  }
  const found = offered.find((name) => known.includes(name));
  if (found !== undefined) return found;
  const why = `client supports [${offered.join(' ')}], server accepts [${known.join(' ')}]`;
  throw failure(403, 'Forbidden', `unable to upgrade: unable to negotiate protocol: ${why}`);
}

/** Answers 101: from here on the socket carries frames. */
export function switchToSpdy({ socket, head }: Upgrade, protocol: string): void {
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n' +
      `X-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
}
