/** Carries out what probes and lifecycle hooks ask for: a command, an HTTP request, a connection, a wait. */
import { connect } from 'node:net';
import { finished } from 'node:stream/promises';
import type { PodContainer, Probe } from '#api/resources/types.ts';
import type { ContainerRuntime } from '#node-agent/container/runtime.ts';
import { checkGrpc } from './grpc-probe.ts';

type Hook = NonNullable<NonNullable<PodContainer['lifecycle']>['postStart']>;
export type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & Pick<Hook, 'sleep'>;

export interface Place {
  readonly runtime: ContainerRuntime;
  readonly container: PodContainer;
  /** The attempt's id. */
  readonly id: string;
  /** The pod's address. */
  readonly ip: string;
}

/** What a handler's command may print into an event, in characters. */
const outputMax = 10_240;

/** A command that was started and did not end well. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  /** -1: it was not waited for any longer. */
  readonly exitCode: number;
  readonly output: string;

  constructor(message: string, { exitCode, output }: { exitCode: number; output: string }) {
    super(message);
    this.exitCode = exitCode;
    this.output = output;
  }
}

/**
 * Resolves when it went well, with what a command has printed.
 * @throws CommandFailure, or Error in kubelet's words, when not, or when the signal aborts first
 */
export async function handle(handler: Handler, place: Place, signal: AbortSignal): Promise<string> {
  if (handler.exec !== undefined) return command(handler.exec.command ?? [], place, signal);
  await askOutside(handler, place, signal);
  return '';
}

async function askOutside(handler: Handler, place: Place, signal: AbortSignal): Promise<void> {
  if (handler.httpGet !== undefined) return request(handler.httpGet, place, signal);
  if (handler.tcpSocket !== undefined) {
    const { host, port } = handler.tcpSocket;
    return dial(host ?? place.ip, portOf(port, place.container), signal);
  }
  if (handler.sleep !== undefined) return pause(handler.sleep.seconds * 1000, signal);
  if (handler.grpc === undefined) return;
  const { port, service = '' } = handler.grpc;
  await checkGrpc({ host: place.ip, port, service }, signal);
}

async function command(args: string[], { runtime, id }: Place, signal: AbortSignal) {
  const session = await runtime.exec(id, { args, tty: false, stdin: false });
  const end = () => session.close();
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  let output = '';
  const printed = [session.stdout, session.stderr].map((stream) => {
    stream.on('data', (chunk: Buffer) => {
      if (output.length < outputMax) output += chunk.toString();
    });
    return finished(stream).catch(() => undefined);
  });
  try {
    const exitCode = await session.exitCode;
    // What was written last may still be on its way to the listeners above.
    if (!signal.aborted) await Promise.all(printed);
    if (signal.aborted) throw new CommandFailure('command timed out', { exitCode: -1, output });
    if (exitCode === 0) return output;
    const said = output.trim() || `command exited with ${exitCode}`;
    throw new CommandFailure(said, { exitCode, output });
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** A number, or the name of one of the container's ports. @throws Error for an unknown name */
function portOf(port: number | string, container: PodContainer): number {
  const number = Number(port);
  if (Number.isInteger(number)) return number;
  const named = container.ports?.find(({ name }) => name === port);
  if (named !== undefined) return named.containerPort;
  throw new Error(`container ${container.name} has no port named "${port}"`);
}

type HttpGet = NonNullable<Probe['httpGet']>;

/** 200 to 399 is well; a redirect is not followed. Certificates are not checked, as with kubelet. */
async function request(get: HttpGet, place: Place, signal: AbortSignal): Promise<void> {
  const isTls = get.scheme?.toUpperCase() === 'HTTPS';
  const { request: send } = isTls ? await import('node:https') : await import('node:http');
  const headers = Object.fromEntries(
    (get.httpHeaders ?? []).map(({ name, value }) => [name, value]),
  );
  const path = get.path === undefined || get.path === '' ? '/' : get.path;
  const call = send({
    host: get.host ?? place.ip,
    port: portOf(get.port, place.container),
    path: path.startsWith('/') ? path : `/${path}`,
    headers: {
      'user-agent': 'kube-probe/1.36',
      accept: '*/*',
      connection: 'close',
      ...headers,
    },
    agent: false,
    signal,
    // Servers of CGI programs end lines of the head without CR; kubelet's client takes that.
    insecureHTTPParser: true,
    ...(isTls ? { rejectUnauthorized: false } : {}),
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  call.on('error', reject);
  call.on('response', (response) => {
    response.resume();
    response.on('error', () => undefined);
    resolve(response.statusCode ?? 0);
  });
  call.end();
  try {
    const code = await promise;
    if (code < 200 || code >= 400) throw new Error(`HTTP probe failed with statuscode: ${code}`);
  } finally {
    call.destroy();
  }
}

async function dial(host: string, port: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ host, port, signal });
  socket.on('connect', resolve);
  socket.on('error', reject);
  try {
    await promise;
  } finally {
    socket.destroy();
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => resolve());
  await promise;
  clearTimeout(timer);
}
