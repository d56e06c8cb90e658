/** exec, attach and port-forward: upgrades of the node's API to WebSocket or SPDY/3.1. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { badRequest } from '#api/resources/status.ts';
import {
  type ContainerRuntime,
  type ExecSpec,
  type Session,
  StartError,
  type TerminalSize,
} from '#node-agent/container/runtime.ts';
import type { Bridge, Wanted } from './bridge.ts';
import {
  type ChannelProtocol,
  chooseProtocol,
  exitStatus,
  failureStatus,
  overSpdy,
  spdyProtocols,
} from './channels.ts';
import { flag } from './log-options.ts';
import type { Dial } from './port-forward.ts';
import { isSpdy, namesIn, negotiated, switchToSpdy, type Upgrade } from './spdy/accept.ts';
import { StreamBridge } from './stream-bridge.ts';

export interface StreamRequest {
  readonly kind: 'exec' | 'attach';
  readonly containerId: string;
  readonly query: URLSearchParams;
  /** `exec`: what Kubernetes' API does not know. */
  readonly more?: Pick<ExecSpec, 'env' | 'cwd' | 'user' | 'privileged' | 'detached'>;
}

interface Asked extends Wanted {
  readonly command: readonly string[];
}

/** The query: the API's names (`stdin`) or kubelet's (`input`). */
function askedOf(query: URLSearchParams): Asked {
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

/** Docker's name for it: an attach that begins with what was written before. */
export const fromStart = 'logs';

/** Largest message a client may send: kubectl's are 32 KiB. */
const messageBytesMax = 4 * 1024 * 1024;

/**
 * Answers the upgrade and carries the streams until the process ends or the client leaves.
 * @throws StatusError 400, 403 before the upgrade, when the request cannot be served
 */
export async function serveStream(
  runtime: ContainerRuntime,
  stream: StreamRequest,
  upgrade: Upgrade,
): Promise<void> {
  const asked = askedOf(stream.query);
  if (stream.kind === 'exec' && asked.command.length === 0) {
    throw badRequest('you must specify at least 1 command for the container');
  }
  if (!asked.stdin && !asked.stdout && !asked.stderr) {
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  }
  const bridge = isSpdy(upgrade.request)
    ? await spdyBridge(upgrade, asked)
    : await socketBridge(upgrade, asked);
  try {
    await bridge.open();
  } catch {
    return; // The client is gone, or never opened its streams.
  }
  try {
    const size = asked.tty ? await bridge.firstSize() : undefined;
    const session = await open(runtime, stream, asked, size);
    if (size !== undefined) session.resize(size.columns, size.rows);
    await bridge.finish(exitStatus(await bridge.join(session)));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof StartError)) return bridge.finish(failureStatus(message));
    await bridge.complain(message);
    await bridge.finish(exitStatus(error.exitCode));
  }
}

async function spdyBridge(upgrade: Upgrade, wanted: Wanted): Promise<Bridge> {
  const name = negotiated(upgrade.request, spdyProtocols);
  // Loaded with the first such client: newer ones speak WebSocket.
  const { SpdyBridge } = await import('./spdy-bridge.ts');
  switchToSpdy(upgrade, name);
  return new SpdyBridge(upgrade.socket, { protocol: overSpdy(name), ...wanted });
}

async function socketBridge(upgrade: Upgrade, wanted: Wanted): Promise<Bridge> {
  const protocol = protocolOf(upgrade.request);
  return new StreamBridge(await accept(upgrade, protocol.name), { protocol, ...wanted });
}

/** @throws StatusError 400 */
function protocolOf({ headers }: IncomingMessage): ChannelProtocol {
  const offered = namesIn(headers['sec-websocket-protocol']);
  const protocol = chooseProtocol(offered);
  if (protocol !== undefined) return protocol;
  throw badRequest(`unknown stream protocols: ${offered.join(', ')}`);
}

async function open(
  runtime: ContainerRuntime,
  { kind, containerId, query, more = {} }: StreamRequest,
  { command, stdin, tty }: Asked,
  size: TerminalSize | undefined,
): Promise<Session> {
  if (kind === 'attach' && flag(query, fromStart)) {
    const { attachFromStart } = await import('./attach-from-start.ts');
    return attachFromStart(runtime, containerId, { stdin });
  }
  if (kind === 'attach') return runtime.attach(containerId, { stdin });
  const sized = size === undefined ? {} : { size };
  return runtime.exec(containerId, { args: command, stdin, tty, ...sized, ...more });
}

/** SPDY's frames as WebSocket messages: what kubectl 1.31 and later ask for. */
const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io';
const spdyPorts = 'portforward.k8s.io';
const channelPorts = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'];

/**
 * Answers the upgrade and carries connections until the client leaves.
 * @throws StatusError 400, 403 before the upgrade, when the request cannot be served
 */
export async function servePortForward(
  dial: Dial,
  query: URLSearchParams,
  upgrade: Upgrade,
): Promise<void> {
  const { forwardOverSpdy, portOf } = await import('./port-forward.ts');
  if (isSpdy(upgrade.request)) {
    switchToSpdy(upgrade, negotiated(upgrade.request, [spdyPorts]));
    return forwardOverSpdy(upgrade.socket, dial);
  }
  const offered = namesIn(upgrade.request.headers['sec-websocket-protocol']);
  if (offered.includes(tunnelProtocol)) {
    const { createWebSocketStream } = await import('ws');
    // Its name is no token of HTTP, which `ws` insists on: it is answered past it.
    delete upgrade.request.headers['sec-websocket-protocol'];
    const socket = await accept(upgrade, '', [`Sec-WebSocket-Protocol: ${tunnelProtocol}`]);
    return forwardOverSpdy(createWebSocketStream(socket) as Duplex, dial);
  }
  const texts = query.getAll('ports').flatMap((text) => text.split(','));
  if (texts.length === 0) throw badRequest('query parameter "ports" is required');
  const ports = texts.map((text) => {
    const port = portOf(text);
    if (port === undefined) throw badRequest(`invalid port ${JSON.stringify(text)}`);
    return port;
  });
  const name = channelPorts.find((known) => offered.includes(known));
  const protocol = chooseProtocol(name === undefined ? [] : [name]);
  if (protocol === undefined || (name === undefined && offered.length > 0)) {
    throw badRequest(`unknown stream protocols: ${offered.join(', ')}`);
  }
  const { forwardOverChannels } = await import('./port-channels.ts');
  const socket = await accept(upgrade, protocol.name);
  return forwardOverChannels(socket, { protocol, ports }, dial);
}

async function accept(
  upgrade: Upgrade,
  protocol: string,
  lines: readonly string[] = [],
): Promise<WebSocket> {
  // Loaded with the first stream: a node that only runs pods does not pay for it.
  const { WebSocketServer } = await import('ws');
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: messageBytesMax,
    perMessageDeflate: false,
    handleProtocols: () => (protocol === '' ? false : protocol),
  });
  server.on('headers', (headers) => headers.push(...lines));
  const { request, socket, head } = upgrade;
  return new Promise((resolve) =>
    server.handleUpgrade(request, socket, head, (accepted) => {
      accepted.pause();
      accepted.on('error', () => undefined);
      resolve(accepted);
    }),
  );
}
