import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '#api/client/client.ts';
import type { ApiEvent } from '#api/client/collection.ts';
import { configMaps } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { ConfigMap } from '#api/resources/types.ts';
import { startTestServer } from '../../support/api-server.ts';
import { configMap } from '../../support/objects.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const pem = (name: string) => join(server.pki, name);
const identity = { ca: pem('ca.crt'), cert: pem('admin.crt'), key: pem('admin.key') };

const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error) => error,
  );

t.test('a kubeconfig is as good as its parts, embedded or in files', async (t) => {
  const client = connect({ kubeconfig: server.kubeconfig });
  t.equal(await client.request('GET', '/readyz'), 'ok');
  client.close();
  const path = join(t.testdir(), 'config');
  const text = `
clusters:
- {name: other, cluster: {server: "https://127.0.0.1:1", certificate-authority: ${identity.ca}}}
- {name: this, cluster: {server: "${server.url}", certificate-authority: ${identity.ca}}}
users:
- {name: me, user: {client-certificate: ${identity.cert}, client-key: ${identity.key}}}
contexts:
- {name: here, context: {cluster: this, user: me}}
current-context: here
`;
  writeFileSync(path, text);
  const other = connect({ kubeconfig: path });
  t.equal(await other.request('GET', '/readyz'), 'ok');
  other.close();
});

t.test('a server that is not there is ServiceUnavailable with the reason', async (t) => {
  const client = connect({ server: 'https://127.0.0.1:1', ...identity });
  const error = await failureOf(client.request('GET', '/readyz'));
  t.ok(hasReason(error, 'ServiceUnavailable'));
  t.match(error, { message: /GET https:\/\/127.0.0.1:1\/readyz: connect ECONNREFUSED/ });
  t.match(error, { cause: { code: 'ECONNREFUSED' } });
  const watched = await new Promise((resolve) =>
    client.collection(configMaps).watch().subscribe({ error: resolve }),
  );
  t.ok(hasReason(watched, 'ServiceUnavailable'));
  client.close();
});

t.test('a server with a certificate of another authority is not trusted', async (t) => {
  const { pki, ...other } = await startTestServer();
  const client = connect({ server: server.url, ...identity, ca: join(pki, 'ca.crt') });
  const error = await failureOf(client.request('GET', '/readyz'));
  t.ok(hasReason(error, 'ServiceUnavailable'));
  t.match(error, { message: /certificate/ });
  client.close();
  await other.close();
});

t.test('after a lost connection the next request opens another', async (t) => {
  const own = await startTestServer();
  const client = own.client();
  const port = Number(new URL(own.url).port);
  await client.request('GET', '/readyz');
  await own.server.close();
  t.ok(hasReason(await failureOf(client.request('GET', '/readyz')), 'ServiceUnavailable'));
  const deaf = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => deaf.listen(port, '127.0.0.1', resolve));
  t.ok(hasReason(await failureOf(client.request('GET', '/readyz')), 'ServiceUnavailable'));
  await new Promise((resolve) => deaf.close(resolve));
  t.equal(await server.client().request('GET', '/readyz'), 'ok');
  client.close();
});

t.test('an aborted request rejects with the reason of its signal', async (t) => {
  const client = server.client();
  const maps = client.collection<ConfigMap>(configMaps);
  t.equal(
    await failureOf(maps.get({ namespace: 'default', name: 'x' }, AbortSignal.abort('enough'))),
    'enough',
  );
  const controller = new AbortController();
  const path = '/api/v1/configmaps?watch=true';
  const running = client.request('GET', path, undefined, controller.signal);
  setImmediate(() => controller.abort('over'));
  t.equal(await failureOf(running), 'over');
});

t.test('unsubscribing closes the watch on the server', async (t) => {
  const client = server.client();
  const open = async () =>
    /apiserver_longrunning_requests\{verb="WATCH"\} (\d+)/.exec(
      String(await client.request('GET', '/metrics')),
    )?.[1];
  const before = await open();
  const events: ApiEvent<ConfigMap>[] = [];
  const maps = client.collection<ConfigMap>(configMaps);
  const first = new Promise<void>((resolve) => {
    const subscription = maps.watch().subscribe((event) => {
      events.push(event);
      subscription.unsubscribe();
      resolve();
    });
  });
  await maps.create(configMap('seen'));
  await first;
  await maps.create(configMap('unseen'));
  t.equal(events.length, 1);
  while ((await open()) !== before) await new Promise(setImmediate);
});

t.test('many requests and watches share one connection', async (t) => {
  const client = server.client();
  const maps = client.collection<ConfigMap>(configMaps);
  let seen = 0;
  const watches = Array.from({ length: 50 }, () =>
    maps.watch({ fieldSelector: 'metadata.name=shared' }).subscribe(() => seen++),
  );
  await maps.create(configMap('shared', { text: 'é€😀'.repeat(20_000) }));
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => maps.get({ namespace: 'default', name: 'shared' })),
  );
  t.ok(answers.every((answer) => answer.data?.['text'] === 'é€😀'.repeat(20_000)));
  while (seen < watches.length) await new Promise(setImmediate);
  for (const watch of watches) watch.unsubscribe();
});

t.test('the answers of many small writes at once all arrive whole', async (t) => {
  const maps = server.client().collection<ConfigMap>(configMaps);
  const names = Array.from({ length: 300 }, (_, at) => `small-${at}`);
  const made = await Promise.all(names.map((name) => maps.create(configMap(name))));
  t.strictSame(
    made.map((each) => each.metadata.name),
    names,
  );
});

t.test('credentials may be given as text', async (t) => {
  const read = (path: string) => readFileSync(path, 'utf8');
  const texts = { ca: read(identity.ca), cert: read(identity.cert), key: read(identity.key) };
  const client = connect({ server: server.url, ...texts });
  t.equal(await client.request('GET', '/readyz'), 'ok');
  client.close();
});
