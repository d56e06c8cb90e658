import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import t from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { readAll } from '#api/client/session.ts';
import { pods } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { startTestServer } from '../../support/api-server.ts';
import { startFakeAgent } from '../../support/fake-agent.ts';
import { pod } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
const client = server.client();
const allPods = client.collection<Pod>(pods);

async function boundPod(name: string, containers: string[], node = 'n1', more = {}): Promise<void> {
  await allPods.create({
    ...pod(name),
    spec: { ...more, containers: containers.map((each) => ({ name: each, image: 'busybox' })) },
  });
  const target = { kind: 'Node', name: node };
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
  await allPods.createSubresource({ namespace: 'default', name }, 'binding', binding);
}

let followed: ServerResponse | undefined;
const agent = await startFakeAgent(
  server,
  async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'https://agent');
    if (pathname.startsWith('/containerLogs/')) {
      if (pathname.endsWith('/waiting')) {
        response.writeHead(400).end('container "waiting" in pod "two" is waiting to start');
        return;
      }
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('first line\n');
      if (searchParams.get('follow') === 'true') followed = response;
      else response.end('last line\n');
      return;
    }
    if (pathname === '/images/load') {
      let bytes = 0;
      for await (const chunk of request) bytes += chunk.length;
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ bytes }));
      return;
    }
    response.writeHead(404).end('no such path');
  },
);
await boundPod('one', ['main']);
await boundPod('two', ['main', 'waiting']);
t.teardown(async () => {
  await agent.close();
  await server.close();
});

const path = (name: string, rest: string) => `/api/v1/namespaces/default/pods/${name}/${rest}`;

/** An upgrade by hand: the head of the answer, and the socket if it was accepted. */
function upgrade(url: string, method = 'GET') {
  return new Promise<{ status: number; body?: string; socket?: import('node:stream').Duplex }>(
    (resolve, reject) => {
      const { ca, cert, key } = client.credentials;
      const headers = { Connection: 'Upgrade', Upgrade: 'SPDY/3.1' };
      const options = { ca, cert, key, headers, method, agent: false } as const;
      const outgoing = httpsRequest(`${server.url}${url}`, options);
      outgoing.on('upgrade', (response, socket) =>
        resolve({ status: response.statusCode ?? 0, socket }),
      );
      outgoing.on('response', async (response) => {
        resolve({ status: response.statusCode ?? 0, body: (await readAll(response)).toString() });
      });
      outgoing.on('error', reject).end();
    },
  );
}

t.test('logs come from the node of the pod, with the options that were asked for', async (t) => {
  const text = await client.request('GET', path('one', 'log?tailLines=5&timestamps=true&pretty=1'));
  t.equal(text, 'first line\nlast line\n');
  const [method = '', url = ''] = agent.asked.at(-1)?.split(' ') ?? [];
  t.equal(method, 'GET');
  const { pathname, searchParams } = new URL(url, 'https://agent');
  t.equal(pathname, '/containerLogs/default/one/main');
  t.strictSame(Object.fromEntries(searchParams), { tailLines: '5', timestamps: 'true' });
  t.equal(agent.clients.at(-1), 'kube-apiserver-kubelet-client');
});

t.test('a followed log is passed on line by line until the client goes', async (t) => {
  const stream = await client.streamRequest('GET', path('one', 'log?follow=true'));
  const lines = stream[Symbol.asyncIterator]();
  t.equal(String((await lines.next()).value), 'first line\n');
  followed?.write('second line\n');
  t.equal(String((await lines.next()).value), 'second line\n');
  const closed = new Promise((resolve) => followed?.once('close', resolve));
  stream.destroy();
  await closed;
});

t.test('the container must be told where there are several', async (t) => {
  const log = (query: string) => raw(server, 'GET', path('two', `log${query}`));
  t.match((await log('')).json, {
    code: 400,
    message: 'a container name must be specified for pod two, choose one of: [main waiting]',
  });
  t.equal((await log('?container=none')).json.message, 'container none is not valid for pod two');
  t.equal((await log('?container=main')).status, 200);
  const waiting = await log('?container=waiting');
  t.match(waiting.json, { code: 400, reason: 'BadRequest' });
  t.match(waiting.json.message, /is waiting to start/);
  const key = 'kubectl.kubernetes.io/default-container';
  const annotations = { metadata: { annotations: { [key]: 'main' } } };
  await allPods.patch({ namespace: 'default', name: 'two' }, annotations, 'merge');
  t.equal((await log('')).status, 200);
});

t.test('options that make no sense, and pods without a node', async (t) => {
  t.equal((await raw(server, 'GET', path('one', 'log?tailLines=-1'))).status, 422);
  t.equal((await raw(server, 'GET', path('lost', 'log'))).status, 404);
  await allPods.create(pod('unbound'));
  t.equal((await raw(server, 'GET', path('unbound', 'log'))).text, '');
  t.match(await upgrade(path('unbound', 'exec?command=ls')), {
    status: 400,
    body: /does not have a host assigned/,
  });
  t.match((await raw(server, 'GET', path('one', 'exec?command=ls'))).json, {
    code: 400,
    message: 'Upgrade request required',
  });
});

t.test('a WebSocket reaches the agent with its protocol and its query', async (t) => {
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: () => 'v5.channel.k8s.io',
  });
  agent.onUpgrade = (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (ws) => {
      ws.on('message', (message) => ws.send(message));
    });
  const url = `${server.url.replace('https', 'wss')}${path('one', 'exec?command=a%20b&command=c&stdin=1&container=main')}`;
  const ws = new WebSocket(url, 'v5.channel.k8s.io', client.credentials);
  const echoed = new Promise((resolve) => ws.once('message', resolve));
  await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
  t.equal(ws.protocol, 'v5.channel.k8s.io');
  const bytes = Buffer.alloc(200_000, 7);
  ws.send(bytes);
  t.strictSame(await echoed, bytes);
  const closed = new Promise((resolve) => ws.once('close', resolve));
  ws.close(1000);
  t.equal(await closed, 1000);
  t.equal(agent.asked.at(-1), 'GET /exec/default/one/main?command=a+b&command=c&stdin=true');
});

t.test(
  'an upgrade of any other protocol is carried byte by byte, both ways and to its end',
  async (t) => {
    agent.onUpgrade = (_request, socket) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nhello ',
      );
      socket.on('data', (chunk) => socket.write(chunk));
      socket.on('end', () => socket.end());
    };
    const { status, socket } = await upgrade(path('one', 'portforward'), 'POST');
    t.equal(status, 101);
    socket?.write('world');
    socket?.end();
    const chunks: Buffer[] = [];
    for await (const chunk of socket ?? []) chunks.push(chunk);
    t.equal(Buffer.concat(chunks).toString(), 'hello world');
    t.match(agent.asked.at(-1), /^POST \/portForward\/default\/one/);
  },
);

t.test(
  'an agent that declines ends the connection: nothing more gets through (CVE-2018-1002105)',
  async (t) => {
    agent.onUpgrade = (_request, socket) => {
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
    };
    const before = agent.asked.length;
    t.match(await upgrade(path('one', 'exec?command=ls')), { status: 403, body: 'no' });
    t.equal(agent.asked.length, before + 1);
  },
);

t.test('who may not is refused before the agent hears of it', async (t) => {
  const node = server.client('node-n1');
  const before = agent.asked.length;
  const headers = { Upgrade: 'websocket' };
  await t.rejects(
    node.upgrade(path('one', 'exec?command=ls'), { headers }),
    /cannot create resource "pods\/exec"/,
  );
  await t.rejects(node.request('GET', path('one', 'log')), /cannot get resource "pods\/log"/);
  t.equal(agent.asked.length, before);
});

t.test('a proxied request reaches the agent whole, however large', async (t) => {
  const chunk = Buffer.alloc(1024 * 1024, 1);
  const body = Readable.from(Array.from({ length: 20 }, () => chunk));
  const answer = await client.streamRequest('POST', '/api/v1/nodes/n1/proxy/images/load?x=1', body);
  t.strictSame(JSON.parse((await readAll(answer)).toString()), { bytes: 20 * chunk.length });
  t.equal(agent.asked.at(-1), 'POST /images/load?x=1');
  t.equal((await raw(server, 'GET', '/api/v1/nodes/n1/proxy/none')).text, 'no such path');
});

t.test("a pod's own server is reached at its address and port", async (t) => {
  const web = createServer((request, response) => response.end(`${request.method} ${request.url}`));
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const { port } = web.address() as { port: number };
  const ref = { namespace: 'default', name: 'one' };
  await allPods.patchStatus(ref, { status: { podIP: '127.0.0.1' } }, 'merge');
  const closed = await raw(server, 'GET', `/api/v1/namespaces/default/pods/one:${port}/proxy/`);
  t.match(closed.json, { code: 400, message: 'address not allowed: 127.0.0.1' });
  await boundPod('host', ['main'], 'n1', { hostNetwork: true });
  const host = { namespace: 'default', name: 'host' };
  await allPods.patchStatus(host, { status: { podIP: '127.0.0.1' } }, 'merge');
  const base = `/api/v1/namespaces/default/pods/host:${port}/proxy`;
  t.equal((await raw(server, 'GET', `${base}/a/b?c=d`)).text, 'GET /a/b?c=d');
  t.equal((await raw(server, 'PUT', base, { body: {} })).text, 'PUT /');
  await new Promise((resolve) => web.close(resolve));
  const gone = await raw(server, 'GET', `${base}/`);
  t.equal(gone.status, 503);
  t.match(gone.json.message, /error dialing backend/);
});

t.test('a node that shows the certificate of another is not trusted', async (t) => {
  const impostor = await startFakeAgent(
    server,
    (_request: IncomingMessage, response: ServerResponse) => response.end('secret'),
    { name: 'n2' },
  );
  await boundPod('three', ['main'], 'n2');
  const answer = await raw(server, 'GET', path('three', 'log'));
  t.equal(answer.status, 503);
  t.match(answer.json.message, /the node n2 .* does not match certificate's altnames/);
  t.strictSame(impostor.asked, []);
  await impostor.close();
  const down = await raw(server, 'GET', path('three', 'log'));
  t.match(down.json.message, /the node n2 at https:\/\/127.0.0.1:\d+: connect ECONNREFUSED/);
});
