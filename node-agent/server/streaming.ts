/** exec and attach: WebSocket upgrades of the node's API. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { badRequest } from '#api/resources/status.ts';
import {
  type ContainerRuntime,
  type Session,
  StartError,
  type TerminalSize,
} from '#node-agent/container/runtime.ts';
import { chooseProtocol, exitStatus, failureStatus } from './channels.ts';
import { flag } from './log-options.ts';
import { StreamBridge } from './stream-bridge.ts';

export interface StreamRequest {
  readonly kind: 'exec' | 'attach';
  readonly containerId: string;
  readonly query: URLSearchParams;
}

interface Wanted {
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** The query: the API's names (`stdin`) or kubelet's (`input`). */
function wantedOf(query: URLSearchParams): Wanted {
  const either = (name: string, old: string) => flag(query, name) || flag(query, old);
  const tty = flag(query, 'tty');
  return {
    command: query.getAll('command'),
    stdin: either('stdin', 'input'),
    stdout: either('stdout', 'output'),
    // With a terminal there is one output stream.
    stderr: either('stderr', 'error') && !tty,
    tty,
  };
}

/** Largest message a client may send: kubectl's are 32 KiB. */
const messageBytesMax = 4 * 1024 * 1024;

/**
 * Answers the upgrade and carries the streams until the process ends or the client leaves.
 * @throws StatusError 400 before the upgrade, when the request cannot be served
 */
export async function serveStream(
  runtime: ContainerRuntime,
  stream: StreamRequest,
  upgrade: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
): Promise<void> {
  const wanted = wantedOf(stream.query);
  if (stream.kind === 'exec' && wanted.command.length === 0) {
    throw badRequest('you must specify at least 1 command for the container');
  }
  if (!wanted.stdin && !wanted.stdout && !wanted.stderr) {
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  }
  const offered = offeredProtocols(upgrade.request);
  const protocol = chooseProtocol(offered);
  if (protocol === undefined) throw badRequest(`unknown stream protocols: ${offered.join(', ')}`);
  const socket = await accept(upgrade, protocol.name);
  const bridge = new StreamBridge(socket, { protocol, ...wanted });
  await bridge.open();
  try {
    const size = wanted.tty ? await bridge.firstSize() : undefined;
    const session = await open(runtime, stream, wanted, size);
    if (size !== undefined) session.resize(size.columns, size.rows);
    await bridge.finish(exitStatus(await bridge.join(session)));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof StartError)) return bridge.finish(failureStatus(message));
    await bridge.complain(message);
    await bridge.finish(exitStatus(error.exitCode));
  }
}

function open(
  runtime: ContainerRuntime,
  { kind, containerId }: StreamRequest,
  wanted: Wanted,
  size: TerminalSize | undefined,
): Promise<Session> {
  const { command, stdin, tty } = wanted;
  if (kind === 'attach') return runtime.attach(containerId, { stdin });
  const sized = size === undefined ? {} : { size };
  return runtime.exec(containerId, { args: command, stdin, tty, ...sized });
}

function offeredProtocols({ headers }: IncomingMessage): string[] {
  const offered = headers['sec-websocket-protocol'] ?? '';
  return offered
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

async function accept(
  upgrade: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  protocol: string,
): Promise<WebSocket> {
  // Loaded with the first stream: a node that only runs pods does not pay for it.
  const { WebSocketServer } = await import('ws');
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: messageBytesMax,
    perMessageDeflate: false,
    handleProtocols: () => (protocol === '' ? false : protocol),
  });
  const { request, socket, head } = upgrade;
  return new Promise((resolve) =>
    server.handleUpgrade(request, socket, head, (accepted) => {
      accepted.pause();
      accepted.on('error', () => undefined);
      resolve(accepted);
    }),
  );
}
