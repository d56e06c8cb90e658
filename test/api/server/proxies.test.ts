/** Proxy subresources of services, and logs over WebSocket. */
import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import t from 'tap';
import { WebSocket } from 'ws';
import { startTestServer } from '../../support/api-server.ts';
import { startFakeAgent } from '../../support/fake-agent.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
const agent = await startFakeAgent(server, (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.write('first line\n');
  response.end('last line\n');
});
t.teardown(async () => {
  await agent.close();
  await server.close();
});

/** What is not loopback can be proxied to. */
const own = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
const options = own === undefined ? { skip: 'needs an address beside loopback' } : {};

const base = '/api/v1/namespaces/default';
const post = (path: string, body: object) => raw(server, 'POST', path, { body });

async function withEndpoints(name: string, address: string, port: number): Promise<void> {
  const ports = [{ name: 'web', port: 80 }];
  await post(`${base}/services`, {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { name },
    spec: { ports },
  });
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: 'web', port }],
  };
  await post('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', slice);
}

t.test('a set of valid responses are returned for service Proxy', options, async (t) => {
  const web = createServer((request, response) => {
    if (request.url === '/go') response.writeHead(302, { location: '/there?a=b' }).end();
    else if (request.url === '/away')
      response.writeHead(302, { location: 'http://example.org/' }).end();
    else response.end(`${request.method} ${request.url}`);
  });
  await new Promise<void>((resolve) => web.listen(0, own, resolve));
  t.teardown(() => web.close());
  const { port } = web.address() as { port: number };
  await withEndpoints('web', own ?? '', port);
  for (const name of ['web', 'web:web', 'web:80', 'http:web:web', 'http:web:80']) {
    const proxy = `${base}/services/${name}/proxy`;
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      t.equal((await raw(server, method, `${proxy}/a/b?c=d`)).text, `${method} /a/b?c=d`, name);
    }
  }
  const proxy = `${base}/services/web/proxy`;
  const bare = await raw(server, 'GET', `${proxy}?a=b`);
  t.equal(bare.status, 301);
  t.equal(bare.headers['location'], `${proxy}/?a=b`);
  t.equal((await raw(server, 'GET', `${proxy}/go`)).headers['location'], `${proxy}/there?a=b`);
  t.equal((await raw(server, 'GET', `${proxy}/away`)).headers['location'], 'http://example.org/');
  t.equal((await raw(server, 'GET', `${base}/services/web:none/proxy/`)).status, 503);
});

t.test(
  'nothing is proxied to this machine, whatever endpoints say (CVE-2020-8562, CVE-2022-3294)',
  async (t) => {
    for (const [name, address] of [
      ['loop', '127.0.0.1'],
      ['link', '169.254.169.254'],
    ] as const) {
      await withEndpoints(name, address, 80);
      const answer = await raw(server, 'GET', `${base}/services/${name}/proxy/`);
      // The endpoints may be refused already: then there are none.
      t.ok(answer.status === 400 || answer.status === 503, answer.text);
    }
    t.equal((await raw(server, 'GET', `${base}/services/none/proxy/`)).status, 404);
  },
);

t.test('pods should support retrieving logs from the container over websockets', async (t) => {
  const spec = { containers: [{ name: 'main', image: 'x' }] };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec };
  t.equal((await post(`${base}/pods`, pod)).status, 201);
  const target = { kind: 'Node', name: 'n1' };
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'web' }, target };
  t.equal((await post(`${base}/pods/web/binding`, binding)).status, 201);
  for (const [protocol, decode] of [
    ['binary.k8s.io', (data: Buffer) => data.toString()],
    ['base64.binary.k8s.io', (data: Buffer) => Buffer.from(data.toString(), 'base64').toString()],
  ] as const) {
    const url = `${server.url.replace('https', 'wss')}${base}/pods/web/log`;
    const ws = new WebSocket(url, protocol, server.client().credentials);
    let text = '';
    ws.on('message', (data: Buffer) => {
      text += decode(data);
    });
    const code = await new Promise((resolve, reject) =>
      ws.once('close', resolve).once('error', reject),
    );
    t.equal(code, 1000);
    t.equal(text, 'first line\nlast line\n');
  }
});
