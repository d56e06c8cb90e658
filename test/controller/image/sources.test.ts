/** Archives over HTTP and logins out of Secrets. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import t from 'tap';
import { fetched } from '#controller/image/fetched.ts';
import { loginFor } from '#controller/image/login.ts';

t.test('archives over HTTP', async (t) => {
  let answer: (request: IncomingMessage, response: ServerResponse) => unknown = () => undefined;
  const server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => server.close());
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const get = (path: string, tell: (done: number, total: number) => void = () => undefined) =>
    fetched(`${base}${path}`, tell, AbortSignal.timeout(10_000));
  answer = ({ url }, response) => {
    if (url === '/old') return response.writeHead(302, { location: '/new' }).end();
    if (url === '/round') return response.writeHead(302, { location: '/round' }).end();
    if (url === '/odd') return response.writeHead(302, { location: 'ftp://x/' }).end();
    if (url === '/cut') {
      response.writeHead(200, { 'content-length': 100 }).write('half');
      return setImmediate(() => response.destroy());
    }
    if (url === '/new') return response.end('archive');
    return response.writeHead(404).end();
  };
  const told: number[] = [];
  t.equal((await buffer(await get('/old', (done) => told.push(done)))).toString(), 'archive');
  t.equal(told.at(-1), 7);
  await t.rejects(get('/none?token=secret'), { message: `fetch ${base}/none: answered 404` });
  await t.rejects(get('/round'), { message: /redirects more than 5 times/ });
  await t.rejects(get('/odd'), { message: /is neither http nor https/ });
  await t.rejects(get('/cut').then(buffer), 'what is cut is not taken for whole');
});

t.test('logins fit by registry and path, the closest first', async (t) => {
  const secret = (config: string, key = '.dockerconfigjson') => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', namespace: 'n' },
    data: { [key]: Buffer.from(config).toString('base64') },
  });
  const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
  const auths = {
    'https://index.docker.io/v1/': auth('hub:p'),
    'registry.example:5000': auth('all:p:q'),
    'registry.example:5000/team': { identitytoken: 'token' },
  };
  const all = secret(JSON.stringify({ auths }));
  t.strictSame(loginFor(all, 'busybox'), { username: 'hub', password: 'p' });
  t.strictSame(loginFor(all, 'registry.example:5000/a:1'), { username: 'all', password: 'p:q' });
  t.strictSame(loginFor(all, 'registry.example:5000/team/a'), { identitytoken: 'token' });
  t.equal(loginFor(all, 'other.example/a'), undefined);
  const wild = secret(JSON.stringify({ auths: { '*.example': { username: 'w', password: 'p' } } }));
  t.strictSame(loginFor(wild, 'any.example/a'), { username: 'w', password: 'p' });
  t.equal(loginFor(wild, 'any.example.org/a'), undefined);
  const older = secret(
    JSON.stringify({ 'old.example': { username: 'o', password: 'p' } }),
    '.dockercfg',
  );
  t.strictSame(loginFor(older, 'old.example/a'), { username: 'o', password: 'p' });
  t.throws(() => loginFor(secret('{', undefined), 'a'), { message: /Secret n\/s is not JSON/ });
  t.throws(() => loginFor(secret('x', 'y'), 'a'), { message: /has no "\.dockerconfigjson"/ });
});
