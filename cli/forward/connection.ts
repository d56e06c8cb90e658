/** One TCP connection carried to a port of a pod: a WebSocket of its own (`v4.channel.k8s.io`, channels 0 and 1). */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { type Credentials, loginHeaders, tlsOptions } from '#api/client/credentials.ts';

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

const dataChannel = 0;
/** The other end is slower than the connection from here on: it is not read until there is room. */
const highWater = 1024 * 1024;

const frame = (content: Buffer): Buffer => Buffer.concat([Buffer.from([dataChannel]), content]);

function send(web: WebSocket, socket: Socket, chunk: Buffer): void {
  if (web.bufferedAmount < highWater) {
    web.send(frame(chunk));
    return;
  }
  socket.pause();
  web.send(frame(chunk), () => socket.resume());
}

/** Carries until either end closes; what fails is told on standard error. */
export function forwardConnection(
  credentials: Credentials,
  { namespace, pod, port }: PodPort,
  socket: Socket,
): void {
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/portforward?ports=${port}`;
  const url = new URL(path, credentials.server.replace(/^http/, 'ws'));
  const web = new WebSocket(url, ['v4.channel.k8s.io'], {
    ...tlsOptions(credentials),
    headers: loginHeaders(credentials),
  });
  const tell = (why: string): void => {
    process.stderr.write(`bay: an error occurred forwarding ${port}: ${why}\n`);
  };
  // Of each channel the first message names the port.
  const begun = new Set<number>();
  web.on('open', () => {
    socket.on('data', (chunk: Buffer) => send(web, socket, chunk));
    socket.on('end', () => web.close());
    socket.resume();
  });
  web.on('message', (data: Buffer) => {
    const channel = data[0] ?? 0;
    if (!begun.has(channel)) begun.add(channel);
    else if (channel === dataChannel) {
      if (!socket.write(data.subarray(1))) {
        web.pause();
        socket.once('drain', () => web.resume());
      }
    } else tell(data.subarray(1).toString());
  });
  web.on('error', (error) => {
    tell(error.message);
    socket.destroy();
  });
  web.on('close', () => socket.end());
  socket.on('error', () => web.close());
  socket.on('close', () => web.close());
  socket.pause();
}
