/** Bad input that other servers have fallen over: each is refused in short time, changes nothing and harms nobody else. */
import { readFileSync } from 'node:fs';
import { connect as connectHttp2, constants } from 'node:http2';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import t from 'tap';
import { startTestServer } from '../../support/api-server.ts';
import { configMap } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const maps = '/api/v1/namespaces/default/configmaps';
const canary = 'canary-7f3a91';
await raw(server, 'POST', '/api/v1/namespaces/kube-system/secrets', {
  body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'hidden' }, stringData: { canary } },
});
const post = (body: string | object, type = 'application/json', path = maps) =>
  raw(server, 'POST', path, { body, headers: { 'content-type': type } });

t.test(
  'steps of a path that lead elsewhere lead nowhere (CVE-2022-3162, CVE-2015-5305)',
  async (t) => {
    for (const path of [
      '/api/v1/namespaces/default%2F..%2Fkube-system/secrets',
      '/api/v1/namespaces/kube-system%2Fhidden/secrets',
      '/api/v1/namespaces/default/secrets/..%2Fkube-system%2Fhidden',
      '/api/v1/namespaces/default/configmaps/..%2F..%2Fsecrets%2Fkube-system%2Fhidden',
      '/api/v1/namespaces/../../secrets/kube-system/hidden',
      '/api/v1/namespaces/./secrets',
      '/api/v1/namespaces/%2e%2e/secrets',
      '/api/v1/nodes/..%2Fsecrets%2Fkube-system%2Fhidden',
      '/api/v1/namespaces/default/secrets/hidden%00',
      '/api/v1/namespaces/kube%ef%bc%8fsystem/secrets',
      '/apis/apps/v1/namespaces/default/deployments/a%2fb',
      '/apis/..%2Fv1/namespaces/kube-system/secrets',
    ]) {
      const answer = await raw(server, 'GET', path);
      t.notMatch(answer.text, canary.slice(0, 6), path);
      const items = answer.status === 200 ? answer.json.items : [];
      t.strictSame(items, [], path);
      t.ok([200, 400, 404].includes(answer.status), `${path} ${answer.status}`);
    }
    const refused = await raw(server, 'GET', '/api/v1/nodes/a%2Fb');
    t.equal(refused.status, 400);
    t.match(refused.json.message, /may not contain '\/'/);
  },
);

t.test(
  'an object of the cluster is not found below a namespace, nor the other way round',
  async (t) => {
    for (const path of [
      '/api/v1/namespaces/default/nodes/n1',
      '/api/v1/namespaces/default/namespaces/default',
      '/apis/rbac.authorization.k8s.io/v1/namespaces/default/clusterroles/admin',
    ]) {
      t.equal((await raw(server, 'GET', path)).status, 404, path);
    }
    t.equal(
      (await raw(server, 'POST', '/api/v1/configmaps', { body: configMap('x') })).status,
      405,
    );
  },
);

/** Within so much time, whatever the machine is doing meanwhile. */
async function soon<T>(t: Tap, what: string, run: () => Promise<T>): Promise<T> {
  const began = process.cpuUsage();
  const result = await run();
  const { user, system } = process.cpuUsage(began);
  t.ok(user + system < 3_000_000, `${what} took ${Math.round((user + system) / 1000)} ms`);
  return result;
}
type Tap = Pick<typeof t, 'ok'>;

t.test('bombs of JSON and YAML do not go off (CVE-2019-11253, CVE-2019-11254)', async (t) => {
  const deep = 100_000;
  const yaml = 'application/yaml';
  const lines = Array.from(
    { length: 9 },
    (_, n) =>
      `${'abcdefghi'[n]}: &${'abcdefghi'[n]} [${
        n === 0
          ? '"lol"'
          : Array(9)
              .fill(`*${'abcdefghi'[n - 1]}`)
              .join(',')
      }]`,
  );
  const bombs: [string, string, string][] = [
    ['deep lists', `${'['.repeat(deep)}${']'.repeat(deep)}`, 'application/json'],
    ['deep objects', `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`, 'application/json'],
    [
      'deep data',
      `{"kind":"ConfigMap","apiVersion":"v1","data":${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}}`,
      'application/json',
    ],
    ['aliases of aliases', `apiVersion: v1\nkind: ConfigMap\n${lines.join('\n')}\n`, yaml],
    ['deep flow', `a: ${'['.repeat(5000)}${']'.repeat(5000)}`, yaml],
    [
      'many keys',
      `${Array.from({ length: 20_000 }, (_, n) => `k${n}: &a${n} {}`).join('\n')}\n`,
      yaml,
    ],
    ['half a text', '{"kind":"ConfigMap"', 'application/json'],
    [
      'no protobuf',
      'k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff',
      'application/vnd.kubernetes.protobuf',
    ],
  ];
  for (const [name, body, type] of bombs) {
    const answer = await soon(t, name, () => post(body, type));
    t.ok(answer.status === 400 || answer.status === 422, `${name}: ${answer.status}`);
  }
  const large = await post(`{"x":"${'y'.repeat(3.2 * 1024 * 1024)}"}`);
  t.equal(large.status, 413);
  t.equal((await raw(server, 'GET', '/readyz')).status, 200);
});

t.test('names of prototypes are fields like any other (prototype pollution)', async (t) => {
  const polluted =
    '{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}}';
  const body = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto","__proto__":{"namespace":"kube-system"}},"data":{"__proto__":"p","constructor":"c","toString":"t"},"__proto__":{"immutable":true}}`;
  const made = await post(body);
  t.equal(made.status, 201, made.text);
  t.equal(made.json.metadata.namespace, 'default');
  t.equal(made.json.immutable, undefined);
  const { text } = await raw(server, 'GET', `${maps}/proto`);
  t.match(text, /"data":\{"__proto__":"p","constructor":"c","toString":"t"\}/);
  for (const [type, patch] of [
    ['application/merge-patch+json', polluted],
    ['application/merge-patch+json', `{"data":{"__proto__":"q"},"metadata":${polluted}}`],
    ['application/strategic-merge-patch+json', polluted],
    ['application/strategic-merge-patch+json', `{"metadata":{"annotations":{"__proto__":"a"}}}`],
    ['application/json-patch+json', '[{"op":"add","path":"/__proto__/polluted","value":"yes"}]'],
    [
      'application/json-patch+json',
      '[{"op":"add","path":"/data/constructor/prototype/polluted","value":"yes"}]',
    ],
    [
      'application/json-patch+json',
      '[{"op":"copy","from":"/data/__proto__","path":"/data/copied"}]',
    ],
    [
      'application/apply-patch+yaml',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: proto}\ndata: {__proto__: r}\n__proto__: {polluted: "yes"}\n',
    ],
    [
      'application/apply-patch+yaml',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: proto}\ndata:\n  <<: &x {__proto__: s}\n',
    ],
  ] as const) {
    const headers = { 'content-type': type };
    const query = type.includes('apply') ? '?fieldManager=m&force=true' : '';
    const answer = await raw(server, 'PATCH', `${maps}/proto${query}`, { body: patch, headers });
    t.ok(answer.status < 500, `${patch} ${answer.text}`);
    t.equal(({} as Record<string, unknown>)['polluted'], undefined, patch);
    t.equal(([] as unknown as Record<string, unknown>)['polluted'], undefined, patch);
  }
  const inherited = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"proto"},"spec":{"containers":[{"name":"a","image":"b","__proto__":{"securityContext":{"privileged":true}}}],"__proto__":{"hostNetwork":true}}}`;
  const podMade = await post(inherited, 'application/json', '/api/v1/namespaces/default/pods');
  t.notMatch(podMade.text, /hostNetwork|privileged/);
});

/** What comes back on one TLS connection of HTTP/1.1 for bytes as they are. */
function bare(text: string): Promise<string> {
  const read = (file: string) => readFileSync(join(server.pki, file));
  const socket: TLSSocket = connectTls({
    port: Number(new URL(server.url).port),
    ca: read('ca.crt'),
    cert: read('admin.crt'),
    key: read('admin.key'),
    ALPNProtocols: ['http/1.1'],
  });
  return new Promise((resolve, reject) => {
    let answer = '';
    socket.setTimeout(5000, () => socket.destroy(new Error(`no end: ${answer}`)));
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.once('error', reject).once('close', () => resolve(answer));
    socket.write(text);
  });
}

t.test('a body cannot hide a second request (CVE-2024-41110)', async (t) => {
  const head = `POST ${maps} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n`;
  const hidden = `DELETE ${maps}/kept HTTP/1.1\r\nHost: x\r\n\r\n`;
  await post(configMap('kept'));
  for (const [name, text] of [
    [
      'two lengths',
      `${head}Content-Length: 2\r\nContent-Length: ${2 + hidden.length}\r\n\r\n{}${hidden}`,
    ],
    [
      'length and chunks',
      `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
    ],
    ['unknown coding', `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`],
    ['a space before the colon', `${head}Content-Length : 0\r\n\r\n${hidden}`],
    ['a signed length', `${head}Content-Length: +2\r\n\r\n{}${hidden}`],
    ['a bare line feed', `${head}Transfer-Encoding: chunked\r\n\r\n1\n{\r\n0\r\n\r\n${hidden}`],
  ] as const) {
    const answer = await bare(text);
    t.notMatch(answer, /HTTP\/1\.1 2\d\d/, name);
    t.equal((await raw(server, 'GET', `${maps}/kept`)).status, 200, name);
  }
  const empty = await bare(`${head}Content-Length: 0\r\n\r\n`);
  t.match(empty, /^HTTP\/1\.1 400/, 'what is decided on is what is parsed: nothing');
});

t.test('streams opened and reset without end stop nobody else (CVE-2023-44487)', async (t) => {
  const read = (file: string) => readFileSync(join(server.pki, file));
  const session = connectHttp2(server.url, {
    ca: read('ca.crt'),
    cert: read('admin.crt'),
    key: read('admin.key'),
  });
  session.on('error', () => undefined);
  await new Promise((resolve) => session.once('connect', resolve));
  const before = process.memoryUsage().rss;
  for (let n = 0; n < 3000 && !session.destroyed; n++) {
    const stream = session.request({ ':method': 'GET', ':path': maps });
    stream.on('error', () => undefined);
    stream.close(constants.NGHTTP2_CANCEL);
    if (n % 100 === 0) await new Promise(setImmediate);
  }
  t.equal((await raw(server, 'GET', `${maps}/kept`)).status, 200);
  t.ok(process.memoryUsage().rss - before < 200 * 1024 * 1024);
  session.destroy();
});
