/** Clients that hold on to what they should let go, or send what never ends: they alone have the harm of it. */
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import t from 'tap';
import { startTestServer } from '../../support/api-server.ts';
import { configMap, pod } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const read = (file: string) => readFileSync(join(server.pki, file));
const admin = { ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key') };
const port = Number(new URL(server.url).port);
const maps = '/api/v1/namespaces/default/configmaps';

/** HTTP/2's frame (RFC 9113, section 4.1). */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

t.test('headers that are continued without end are cut off (CVE-2024-27983)', async (t) => {
  const socket = connectTls({ port, ...admin, ALPNProtocols: ['h2'] });
  const over = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined).resume();
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(frame(4, 0, 0, Buffer.alloc(0)));
  // A literal header without indexing, of 1 KiB: name `x`, a value in several parts.
  const header = Buffer.concat([
    Buffer.from([0, 1, 0x78, 0x7f, 0x81, 7]),
    Buffer.alloc(1024, 0x61),
  ]);
  socket.write(frame(1, 0, 1, Buffer.from([0x82, 0x87, 0x84])));
  const before = process.memoryUsage().rss;
  let sent = 0;
  while (!socket.destroyed && sent < 20_000) {
    if (!socket.write(frame(9, 0, 1, header))) {
      await Promise.race([over, new Promise((resolve) => socket.once('drain', resolve))]);
    }
    sent += 1;
  }
  await over;
  t.ok(sent < 20_000, `cut off after ${sent} frames`);
  t.ok(process.memoryUsage().rss - before < 100 * 2 ** 20);
  t.equal((await raw(server, 'GET', '/readyz')).status, 200);
});

t.test('a watch whose client reads nothing is cut off; the one beside it gets all', async (t) => {
  const open = async (path: string) => {
    const session = connectHttp2(server.url, admin);
    session.on('error', () => undefined);
    t.teardown(() => session.destroy());
    const stream = session.request({ ':path': path });
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.once('response', resolve));
    return stream;
  };
  const path = `${maps}?watch=true`;
  const [idle, reader] = [await open(path), await open(path)];
  const cut = new Promise<void>((resolve) => idle.once('close', resolve));
  let lines = 0;
  reader.on('data', (chunk: Buffer) => {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
  });
  const many = 14;
  const large = 'x'.repeat(700_000);
  for (let n = 0; n < many; n += 1) {
    await raw(server, 'POST', maps, { body: configMap(`large-${n}`, { large }) });
    await raw(server, 'DELETE', `${maps}/large-${n}`);
    while (lines < 2 * (n + 1)) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  // Only who reads sees the end.
  idle.resume();
  await cut;
  t.not(idle.rstCode, 0, 'cut off, not ended');
  t.equal(lines, 2 * many);
  t.notOk(reader.closed);
});

t.test(
  'who may get a connection by name may not open one, by any protocol (kubernetes#134577)',
  async (t) => {
    await raw(server, 'POST', '/api/v1/namespaces/default/pods', { body: pod('one') });
    const namespace = '/api/v1/namespaces/default';
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
    await raw(server, 'POST', `${namespace}/serviceaccounts`, {
      body: { metadata: { name: 'looks' } },
    });
    const resources = ['pods/exec', 'pods/attach', 'pods/portforward'];
    const rules = [{ apiGroups: [''], verbs: ['get', 'list', 'watch'], resources }];
    await raw(server, 'POST', `${rbac}/roles`, { body: { metadata: { name: 'looks' }, rules } });
    await raw(server, 'POST', `${rbac}/rolebindings`, {
      body: {
        metadata: { name: 'looks' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'looks' },
        subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'looks' }],
      },
    });
    const path = `${namespace}/serviceaccounts/looks/token`;
    const { json } = await raw(server, 'POST', path, { body: { spec: {} } });
    const authorization = `Bearer ${json.status.token}`;
    const ask = (method: string, what: string, upgrade: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = {
          authorization,
          Connection: 'Upgrade',
          Upgrade: upgrade,
          'Sec-WebSocket-Version': '13',
          'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        };
        const to = { port, ca: admin.ca, path: `${namespace}/pods/one/${what}`, method, headers };
        const asked = httpsRequest(to, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        asked.once('upgrade', (_response, socket) => {
          socket.destroy();
          resolve(101);
        });
        asked.once('error', reject).end();
      });
    for (const what of ['exec?command=id', 'attach', 'portforward?ports=80']) {
      t.equal(await ask('GET', what, 'websocket'), 403, `GET ${what}, WebSocket`);
      t.equal(await ask('POST', what, 'SPDY/3.1'), 403, `POST ${what}, SPDY`);
      t.equal(await ask('GET', what, 'SPDY/3.1'), 403, `GET ${what}, SPDY`);
    }
  },
);
