/**
 * Logs over WebSocket: `binary.k8s.io` as bytes, `base64.binary.k8s.io` as text, one message a piece of the log
 * (`apiserver/pkg/util/wsstream/stream.go`). Loaded with the first of them.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { badRequest } from '#api/resources/status.ts';
import { type Backend, connectOptions } from './backend.ts';
import { type Forwarding, unreachable } from './forward.ts';

const protocols = ['binary.k8s.io', 'base64.binary.k8s.io'];
/** Clients have nothing to say. */
const messageBytesMax = 4096;

export interface LogUpgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/**
 * Answers the upgrade once the node has answered, and carries the log until its end or the client's. `backend`
 * undefined: the log is known to be empty. Throws what `refusal` makes of a node's refusal, and 400, 503.
 */
export async function serveLogSocket(
  upgrade: LogUpgrade,
  backend: Backend | undefined,
  forwarding: Forwarding,
  refusal: (response: IncomingMessage) => Promise<Error>,
): Promise<number> {
  const protocol = chosen(upgrade.request);
  const log = backend === undefined ? undefined : await opened(backend, forwarding);
  if (log !== undefined && log.statusCode !== 200) throw await refusal(log);
  const socket = await accept(upgrade, protocol);
  void carry(log, socket, protocol.startsWith('base64'));
  return 101;
}

function chosen({ headers }: IncomingMessage): string {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (offered.every((name) => name === '')) return '';
  const found = offered.find((name) => protocols.includes(name));
  if (found !== undefined) return found;
  throw badRequest(`unknown stream protocols: ${offered.join(', ')}`);
}

function opened(backend: Backend, { identity, timeoutMs }: Forwarding): Promise<IncomingMessage> {
  const options = { ...connectOptions(backend, identity, false), method: 'GET' };
  return new Promise((resolve, reject) => {
    const secure = backend.protocol === 'https:';
    const outgoing = secure ? httpsRequest(options) : httpRequest({ ...options, agent: false });
    const late = setTimeout(
      () => outgoing.destroy(new Error(`no answer in ${timeoutMs} ms`)),
      timeoutMs,
    );
    outgoing.once('response', (response) => {
      clearTimeout(late);
      resolve(response);
    });
    outgoing.on('error', (error) => {
      clearTimeout(late);
      reject(unreachable(backend, error));
    });
    outgoing.end();
  });
}

function accept({ request, socket, head }: LogUpgrade, protocol: string): Promise<WebSocket> {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: messageBytesMax,
    perMessageDeflate: false,
    handleProtocols: () => (protocol === '' ? false : protocol),
  });
  return new Promise((resolve) => server.handleUpgrade(request, socket, head, resolve));
}

/** A piece is read when the one before has left for the kernel: a slow client holds its log up and nothing else. */
async function carry(
  log: IncomingMessage | undefined,
  socket: WebSocket,
  asText: boolean,
): Promise<void> {
  socket.on('error', () => socket.terminate());
  socket.once('close', () => log?.destroy());
  socket.resume();
  try {
    for await (const chunk of log ?? []) {
      const bytes = chunk as Buffer;
      await new Promise<void>((resolve) => {
        if (socket.readyState !== socket.OPEN) resolve();
        else if (asText) socket.send(bytes.toString('base64'), () => resolve());
        else socket.send(bytes, { binary: true }, () => resolve());
      });
    }
    socket.close(1000);
  } catch {
    // The node broke off: so do we.
    socket.terminate();
  }
}
