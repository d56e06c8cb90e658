/** Port-forward over SPDY/3.1, over SPDY's frames in a WebSocket, and over WebSocket channels. */
import { request } from 'node:https';
import { createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import WebSocket, { createWebSocketStream } from 'ws';
import { eventually } from '../agent-rig.ts';
import { withPod } from './api-rig.ts';
import { SpdyClient } from './spdy-client.ts';
import { connected, type Rig, upgrade } from './spdy-upgrade.ts';

/** A server inside the "pod": echoes, and says good-bye once the client has ended. */
async function echoServer(t: Tap.Test) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => socket.write(chunk));
    socket.on('end', () => socket.end('bye'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as { port: number }).port;
}

declare namespace Tap {
  interface Test {
    teardown(run: () => unknown): void;
  }
}

async function pair(client: SpdyClient, port: number, requestid: string) {
  const headers = { port: String(port), requestid };
  const error = await client.open({ ...headers, streamtype: 'error' });
  error.end();
  const data = await client.open({ ...headers, streamtype: 'data' });
  return { error, data };
}

const forwardPath = '/portForward/default/web';
const tunnel = 'SPDY/3.1+portforward.k8s.io';

async function roundTrip(
  t: Tap.Test & typeof import('tap').default,
  client: SpdyClient,
  port: number,
) {
  const pairs = [];
  for (const id of ['0', '1', '2']) pairs.push(await pair(client, port, id));
  for (const [i, { data }] of pairs.entries()) {
    data.write(`hello ${i} `);
    data.end();
  }
  for (const [i, { data, error }] of pairs.entries()) {
    t.equal(await data.ended.promise, `hello ${i} bye`);
    t.equal(await error.ended.promise, '');
  }
}

t.test('ports are forwarded over SPDY, several connections at once', async (t) => {
  const all = await withPod(t);
  const port = await echoServer(t);
  const client = await connected(all, forwardPath, 'portforward.k8s.io');
  await roundTrip(t as never, client, port);
  client.close();
});

/** A WebSocket whose protocol has a name that `ws` does not let through. */
function tunnelled({ port, identity }: Rig): Promise<Duplex> {
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': Buffer.alloc(16, 1).toString('base64'),
    'Sec-WebSocket-Protocol': tunnel,
  };
  const target = { host: '127.0.0.1', port, path: forwardPath, headers, ...identity('admin') };
  return new Promise((resolve, reject) => {
    const call = request({ ...target, agent: false });
    call.on('upgrade', (response, socket, head) => {
      if (response.headers['sec-websocket-protocol'] !== tunnel)
        reject(new Error('other protocol'));
      const ws = new WebSocket(null as never, undefined, {});
      Object.assign(ws, { _isServer: false });
      (ws as never as { setSocket(s: Duplex, h: Buffer, o: object): void }).setSocket(
        socket,
        head,
        {
          allowSynchronousEvents: true,
          maxPayload: 1 << 20,
          skipUTF8Validation: true,
        },
      );
      resolve(createWebSocketStream(ws));
    });
    call.on('response', ({ statusCode }) => reject(new Error(`${statusCode}`)));
    call.on('error', reject).end();
  });
}

t.test('and over SPDY inside a WebSocket', async (t) => {
  const all = await withPod(t);
  const port = await echoServer(t);
  const client = new SpdyClient(await tunnelled(all));
  await roundTrip(t as never, client, port);
  client.close();
});

t.test('a port on which nothing listens: the client is told which and why', async (t) => {
  const all = await withPod(t);
  const client = await connected(all, forwardPath, 'portforward.k8s.io');
  const { error, data } = await pair(client, 1, '0');
  t.match(await error.ended.promise, /error forwarding port 1: .*ECONNREFUSED/);
  await data.ended.promise;
  t.ok(data.reset);
  const port = await echoServer(t);
  await roundTrip(t as never, client, port);
  client.close();
});

t.test('over WebSocket channels the ports of the query are forwarded', async (t) => {
  const all = await withPod(t);
  const port = await echoServer(t);
  const ws = all.connect(`${forwardPath}?ports=${port}&ports=1`, 'v4.channel.k8s.io');
  const texts: Record<number, Buffer> = {};
  ws.on('message', (data: Buffer) => {
    const number = data[0] ?? -1;
    texts[number] = Buffer.concat([texts[number] ?? Buffer.alloc(0), data.subarray(1)]);
  });
  await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
  ws.send(Buffer.concat([Buffer.of(0), Buffer.from('hello')]));
  await eventually('the echo', () => texts[0]?.subarray(2).toString() === 'hello');
  t.equal(texts[0]?.readUInt16LE(0), port);
  await eventually('the error', () => /ECONNREFUSED/.test(texts[3]?.toString() ?? ''));
  ws.close();
  const refused = new WebSocket(
    `wss://127.0.0.1:${all.port}${forwardPath}`,
    'v4.channel.k8s.io',
    all.identity('admin'),
  );
  const error = await new Promise<Error>((resolve) => refused.once('error', resolve));
  t.match(error.message, /400/);
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** More than the queues of client and server may hold. */
const most = 32 * 1024 * 1024;

/** Memory of buffers that somebody holds: what waits to be collected is not counted. */
function heldBytes(): number {
  collect();
  return process.memoryUsage().external;
}

t.test('a pod that does not read slows its client down and nothing else', async (t) => {
  const all = await withPod(t);
  const held: Socket[] = [];
  const server = createServer((socket) => {
    held.push(socket.pause().on('error', () => undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const one of held) one.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const { client, socket } = await upgrade(all, forwardPath, 'portforward.k8s.io');
  if (client === undefined || socket === undefined) throw new Error('no connection');
  const { data } = await pair(client, port, '0');
  const before = heldBytes();
  const block = Buffer.alloc(32 * 1024);
  let sent = 0;
  let still = 0;
  while (sent < 128 * 1024 * 1024 && still < 20) {
    if (socket.writableLength > 1024 * 1024) {
      still++;
      await new Promise((resolve) => setTimeout(resolve, 10));
      continue;
    }
    still = 0;
    data.write(block);
    sent += block.length;
    if (sent % (1024 * 1024) === 0) await new Promise(setImmediate);
  }
  t.ok(sent < 64 * 1024 * 1024, `held up after ${sent} bytes`);
  // Nothing moves any more, but what was collected is given back by another thread.
  let grown = heldBytes() - before;
  for (let round = 0; round < 100 && grown >= most; round++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    grown = heldBytes() - before;
  }
  t.ok(grown < most, `${grown} bytes more are held`);
  const port2 = await echoServer(t);
  const other = await connected(all, forwardPath, 'portforward.k8s.io');
  await roundTrip(t as never, other, port2);
  other.close();
  client.close();
});
