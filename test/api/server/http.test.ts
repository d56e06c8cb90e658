import { request } from 'node:https';
import { connect } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { configMaps } from '#api/resources/resource-types.ts';
import type { ConfigMap } from '#api/resources/types.ts';
import { createKinds } from '#api/schema/kinds.ts';
import { ApiServer } from '#api/server/server.ts';
import { startTestServer } from '../../support/api-server.ts';
import { configMap } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const get = (path: string, headers = {}) => raw(server, 'GET', path, { headers });

t.test('only health and version are open to those without a certificate', async (t) => {
  for (const path of ['/livez', '/readyz', '/healthz', '/version']) {
    t.equal((await raw(server, 'GET', path, { identity: '' })).status, 200, path);
  }
  for (const path of ['/api', '/api/v1/pods', '/metrics', '/openapi/v3', '/versions']) {
    const answer = await raw(server, 'GET', path, { identity: '' });
    t.equal(answer.status, 403, path);
    t.match(answer.json, { kind: 'Status', reason: 'Forbidden', code: 403 });
    t.match(answer.json.message, /User "system:anonymous" cannot (get|list)/);
  }
});

t.test('a node may do what its pods need and no more', async (t) => {
  const as = (method: string, path: string, body?: unknown) =>
    raw(server, method, path, { identity: 'node-n1', body });
  t.equal((await as('GET', '/api/v1/pods')).status, 403);
  t.equal((await as('GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Dn1')).status, 200);
  const watch = '/api/v1/nodes?watch=true&timeoutSeconds=1';
  t.equal((await as('GET', watch)).status, 200, 'where its peers are');
  t.equal((await as('GET', `${watch}&fieldSelector=metadata.name%3Dn2`)).status, 403);
  t.equal((await as('GET', `${watch}&fieldSelector=metadata.name%3Dn1`)).status, 200);
  const refused = await as('POST', '/api/v1/namespaces/default/configmaps', configMap('x'));
  t.equal(refused.status, 403);
  t.equal(
    refused.json.message,
    'configmaps is forbidden: User "system:node:n1" cannot create resource "configmaps" in API group "" in the namespace "default": can only read resources of this type',
  );
  t.equal((await as('DELETE', '/api/v1/namespaces/default')).status, 403);
  t.equal((await as('GET', '/metrics')).status, 403);
});

t.test('impersonation needs to be allowed, and then holds', async (t) => {
  const headers = { 'impersonate-user': 'system:node:n9', 'impersonate-group': 'system:nodes' };
  const path = '/api/v1/namespaces/default/configmaps';
  t.equal((await raw(server, 'POST', path, { headers, body: configMap('i') })).status, 403);
  const nested = await raw(server, 'GET', path, { headers, identity: 'node-n1' });
  t.match(nested.json.message, /cannot impersonate resource "users"/);
  const controller = await raw(server, 'GET', path, { headers, identity: 'controller' });
  t.equal(controller.status, 403);
});

t.test('every answer has an audit id: the one sent or one of its own', async (t) => {
  t.match((await get('/api/v1/pods')).headers['audit-id'], /^[0-9a-f-]{36}$/);
  t.equal((await get('/api/v1/pods', { 'audit-id': 'mine' })).headers['audit-id'], 'mine');
});

t.test('health says which check fails', async (t) => {
  const verbose = await get('/readyz?verbose');
  t.match(verbose.text, /^\[\+\]ping ok\n\[\+\]etcd ok\n/);
  t.match(verbose.text, /readyz check passed\n$/);
  t.equal((await get('/readyz/etcd')).text, 'ok');
  t.equal((await get('/readyz/nonsense')).status, 404);
});

t.test('before the store is there the server lives, is not ready and says why', async (t) => {
  const early = new ApiServer({
    address: '127.0.0.1',
    port: 0,
    pki: server.pki,
    kinds: createKinds(),
    log: () => undefined,
  });
  await early.listen();
  const at = { url: `https://127.0.0.1:${early.port}`, pki: server.pki };
  t.equal((await raw(at, 'GET', '/livez')).status, 200);
  const ready = await raw(at, 'GET', '/readyz');
  t.equal(ready.status, 500);
  t.match(ready.text, /\[-\]etcd failed: not connected yet/);
  const pods = await raw(at, 'GET', '/api/v1/pods');
  t.equal(pods.status, 503);
  t.equal(pods.headers['retry-after'], '1');
  t.equal((await raw(at, 'GET', '/apis')).status, 200);
  await early.close();
});

t.test('discovery comes plain and aggregated, and unchanged is 304', async (t) => {
  const plain = await get('/apis');
  t.equal(plain.json.kind, 'APIGroupList');
  const accept =
    'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
  const aggregated = await get('/apis', { accept });
  t.equal(aggregated.json.kind, 'APIGroupDiscoveryList');
  t.match(aggregated.headers['content-type'], /as=APIGroupDiscoveryList/);
  const again = await get('/apis', { accept, 'if-none-match': aggregated.headers.etag });
  t.equal(again.status, 304);
  t.equal(again.text, '');
  t.equal((await get('/api')).json.versions[0], 'v1');
  t.equal((await get('/apis/apps')).json.preferredVersion.version, 'v1');
  t.equal((await get('/apis/apps/v1')).json.kind, 'APIResourceList');
  t.equal((await get('/apis/nonsense')).status, 404);
});

t.test('OpenAPI documents are found through their index and last', async (t) => {
  const index = await get('/openapi/v3');
  const { serverRelativeURL } = index.json.paths['apis/apps/v1'];
  const document = await get(serverRelativeURL);
  t.match(document.headers['cache-control'], /immutable/);
  t.ok(document.json.components.schemas['io.k8s.api.apps.v1.Deployment']);
});

t.test('forms that cannot be had are 406', async (t) => {
  t.equal((await get('/api/v1/pods', { accept: 'application/xml' })).status, 406);
  t.equal((await get('/apis', { accept: 'application/xml' })).status, 406);
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const body = { spec: { nonResourceAttributes: { path: '/api', verb: 'get' } } };
  t.equal((await raw(server, 'POST', path, { headers: { accept }, body })).status, 406);
  t.equal((await get('/api/v1/pods', { accept: '*/*' })).status, 200);
});

t.test('large lists are compressed for those who take it, small ones never', async (t) => {
  const maps = server.client().collection<ConfigMap>(configMaps);
  await maps.create(configMap('large', { x: 'abc '.repeat(50_000) }));
  const path = '/api/v1/namespaces/default/configmaps';
  const { cert, key, ca } = server.client().credentials;
  const read = (url: string) =>
    new Promise<{ encoding: string | undefined; bytes: Buffer }>((resolve, reject) => {
      const headers = { 'accept-encoding': 'gzip' };
      request(`${server.url}${url}`, { cert, key, ca, headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        const { 'content-encoding': encoding } = response.headers;
        response.on('end', () => resolve({ encoding, bytes: Buffer.concat(chunks) }));
      })
        .on('error', reject)
        .end();
    });
  const large = await read(path);
  t.equal(large.encoding, 'gzip');
  t.ok(large.bytes.length < 20_000);
  t.equal(JSON.parse(gunzipSync(large.bytes).toString()).items[0].metadata.name, 'large');
  t.equal((await read('/api/v1/namespaces')).encoding, undefined);
});

t.test('metrics count requests by verb, resource and code', async (t) => {
  await get('/api/v1/namespaces/default/secrets/none');
  const { text } = await get('/metrics');
  const labels =
    'verb="GET",group="",version="v1",resource="secrets",subresource="",scope="resource",component="apiserver"';
  t.ok(text.includes(`apiserver_request_total{${labels},code="404",dry_run=""} 1\n`));
  t.ok(text.includes(`apiserver_request_duration_seconds_count{${labels}} 1\n`));
  t.ok(text.includes(`apiserver_request_sli_duration_seconds_bucket{${labels},le="+Inf"} 1\n`));
  t.match(text, /apiserver_current_inflight_requests\{request_kind="readOnly"\} 1\n/);
  t.match(text, /apiserver_storage_objects\{resource="namespaces"\} \d+\n/);
  t.match(text, /bayplan_cache_revision \d+\n/);
});

t.test('URLs that mean nothing are not found, broken ones refused', async (t) => {
  for (const path of [
    '/nonsense',
    '/api/v2/pods',
    '/apis/apps/v1/nonsense',
    '/api/v1/namespaces/a/nodes',
  ]) {
    const answer = await get(path);
    t.equal(answer.status, 404, path);
    t.equal(answer.json.reason, 'NotFound');
  }
  t.equal((await get('/api/v1/namespaces/%ZZ/pods')).status, 400);
});

t.test('a client that is done sending and silent keeps no HTTP/2 connection', async (t) => {
  const { ca, cert, key } = server.client().credentials;
  const { port } = new URL(server.url);
  const socket = connect({ port: Number(port), ca, cert, key, ALPNProtocols: ['h2'] });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
  await new Promise((resolve) => socket.once('data', resolve));
  const closed = new Promise((resolve) => socket.resume().once('close', () => resolve(true)));
  socket.end();
  t.ok(await closed);
});

t.test('stopping ends watches and says good-bye to clients', async (t) => {
  const own = await startTestServer();
  const client = own.client();
  const ended = new Promise<void>((resolve, reject) => {
    client
      .collection<ConfigMap>(configMaps)
      .watch()
      .subscribe({ complete: resolve, error: reject });
  });
  await client.request('GET', '/readyz');
  await own.close();
  await ended;
  t.match(
    await client.request('GET', '/livez').catch((error) => error.reason),
    /ServiceUnavailable/,
  );
});
