/** Questions about names outside the cluster, passed on to the servers that the node itself asks. */
import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';

/** resolv.conf(5)'s numbers, shortened: the client asks again by itself. */
const patienceMs = 2_000;
const serversMax = 3;
/** So many are on their way at once; more are refused, not kept. */
const pendingMax = 1_000;

/** Where systemd-resolved writes the servers behind its own address on the loopback. */
const resolvedPath = '/run/systemd/resolve/resolv.conf';

export interface UpstreamOptions {
  /** The node's resolver file. */
  readonly path?: string;
  /** Addresses that are our own: a question is not sent in circles. */
  readonly own: readonly string[];
}

/** The servers of a resolver file. */
export function serversOf(text: string): string[] {
  return [...text.matchAll(/^\s*nameserver\s+(\d+\.\d+\.\d+\.\d+)/gm)].map(([, ip = '']) => ip);
}

export class Upstream {
  readonly #options: UpstreamOptions;
  #pending = 0;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /** The reply to the query, byte by byte, of the first server that gives one. @throws Error when none does */
  async ask(query: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer> {
    if (this.#pending >= pendingMax) throw new Error('too many questions at once');
    this.#pending += 1;
    try {
      const servers = await this.#servers();
      let last: unknown = new Error('the node knows no name server (/etc/resolv.conf)');
      for (const server of servers) {
        try {
          return await (transport === 'udp' ? askUdp : askTcp)(query, server);
        } catch (error) {
          last = error;
        }
      }
      throw last;
    } finally {
      this.#pending -= 1;
    }
  }

  /** Read for each question: it changes with the machine's network, and is in the page cache. */
  async #servers(): Promise<string[]> {
    const { path = '/etc/resolv.conf', own } = this.#options;
    const read = async (file: string) => serversOf(await readFile(file, 'utf8').catch(() => ''));
    const servers = await read(path);
    const isOnlyLoopback = servers.every((ip) => ip.startsWith('127.'));
    const behind = isOnlyLoopback ? await read(resolvedPath) : [];
    return (behind.length > 0 ? behind : servers)
      .filter((ip) => !own.includes(ip))
      .slice(0, serversMax);
  }
}

function askUdp(query: Buffer, server: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    const timer = setTimeout(() => done(new Error(`${server} gives no answer`)), patienceMs);
    const done = (error: Error | undefined, reply?: Buffer) => {
      clearTimeout(timer);
      socket.close();
      if (reply !== undefined) resolve(reply);
      else reject(error);
    };
    socket.once('error', done);
    socket.on('message', (reply) => {
      // Another answer than the one that is waited for is none.
      if (reply.length >= 12 && reply.readUInt16BE(0) === query.readUInt16BE(0))
        done(undefined, reply);
    });
    // Without a way to the server the callback is told, and not the listener of errors.
    socket.connect(53, server, (error?: Error) =>
      error === undefined || error === null ? socket.send(query) : done(error),
    );
  });
}

function askTcp(query: Buffer, server: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: server, port: 53, timeout: patienceMs });
    let got = Buffer.alloc(0);
    socket.once('error', reject);
    socket.once('timeout', () => socket.destroy(new Error(`${server} gives no answer`)));
    socket.once('close', () => reject(new Error(`${server} closed without an answer`)));
    socket.on('data', (piece) => {
      got = Buffer.concat([got, piece]);
      if (got.length < 2 || got.length < 2 + got.readUInt16BE(0)) return;
      resolve(got.subarray(2, 2 + got.readUInt16BE(0)));
      socket.destroy();
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
  });
}
