/** The cluster's name server on one node: UDP and TCP at one address and port. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Resolver } from './resolver.ts';

/** A connection that says nothing is closed. */
const idleMs = 10_000;
const connectionsMax = 500;

export interface DnsServer {
  readonly port: number;
  close(): void;
}

/** Listens on both at `port`; if somebody has it, on another that is free. @throws Error when the address is not ours */
export async function serveDns(ip: string, port: number, resolver: Resolver): Promise<DnsServer> {
  try {
    return await serveAt(ip, port, resolver);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || port === 0) throw error;
    return serveAt(ip, 0, resolver);
  }
}

async function serveAt(ip: string, port: number, resolver: Resolver): Promise<DnsServer> {
  const tcp = createServer((socket) => serveStream(socket, resolver));
  tcp.maxConnections = connectionsMax;
  await listening(tcp, ip, port);
  const bound = (tcp.address() as { port: number }).port;
  const udp = createSocket('udp4');
  try {
    udp.bind(bound, ip);
    await once(udp, 'listening');
  } catch (error) {
    tcp.close();
    throw error;
  }
  serveDatagrams(udp, resolver);
  return {
    port: bound,
    close: () => {
      udp.close();
      tcp.close();
    },
  };
}

async function listening(server: Server, ip: string, port: number): Promise<void> {
  server.listen(port, ip);
  await once(server, 'listening');
}

function serveDatagrams(udp: UdpSocket, resolver: Resolver): void {
  udp.on('message', (query, { address, port }) => {
    void resolver.reply(query, 'udp').then(
      (reply) => {
        if (reply !== undefined) udp.send(reply, port, address, () => {});
      },
      () => {}, // the client asks again
    );
  });
  udp.on('error', () => {}); // of one datagram that could not be sent
}

/** Each message after its length (RFC 1035 4.2.2). */
function serveStream(socket: Socket, resolver: Resolver): void {
  let got = Buffer.alloc(0);
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (piece) => {
    got = Buffer.concat([got, piece]);
    while (got.length >= 2 && got.length >= 2 + got.readUInt16BE(0)) {
      const length = got.readUInt16BE(0);
      const query = Buffer.from(got.subarray(2, 2 + length));
      got = got.subarray(2 + length);
      void resolver.reply(query, 'tcp').then(
        (reply) => sendFramed(socket, reply),
        () => socket.destroy(),
      );
    }
  });
}

function sendFramed(socket: Socket, reply: Buffer | undefined): void {
  if (reply === undefined || socket.destroyed) return;
  const length = Buffer.alloc(2);
  length.writeUInt16BE(reply.length);
  socket.write(Buffer.concat([length, reply]));
}
