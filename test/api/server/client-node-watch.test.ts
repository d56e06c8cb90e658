/** The official JavaScript client's watches, logs, attached containers and server-side apply. */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import {
  Attach,
  KubeConfig,
  KubernetesObjectApi,
  Log,
  PatchStrategy,
  Watch,
} from '@kubernetes/client-node';
import t from 'tap';
import { WebSocketServer } from 'ws';
import { pods } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { startTestServer } from '../../support/api-server.ts';
import { startFakeAgent } from '../../support/fake-agent.ts';
import { configMap, pod } from '../../support/objects.ts';

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
const plain = pod('one');
await server
  .client()
  .collection<Pod>(pods)
  .create({ ...plain, spec: { ...plain.spec, nodeName: 'n1' } } as Pod);
const config = new KubeConfig();
config.loadFromFile(server.kubeconfig);
const api = KubernetesObjectApi.makeApiClient(config);

/** Server-side apply, as `manager`. */
const apply = (object: object, manager: string, force: boolean) =>
  api.patch(
    object as never,
    undefined,
    undefined,
    manager,
    force,
    PatchStrategy.ServerSideApply,
  ) as Promise<{ data?: object; metadata?: { managedFields?: { manager?: string }[] } }>;

t.test('Watch tells changes and bookmarks, and why it cannot go on', async (t) => {
  const path = '/api/v1/namespaces/default/configmaps';
  const seen: string[] = [];
  const query = {
    sendInitialEvents: true,
    resourceVersionMatch: 'NotOlderThan',
    allowWatchBookmarks: true,
  };
  const { promise: ended, resolve: end } = Promise.withResolvers<unknown>();
  const bookmarked = Promise.withResolvers<void>();
  const deleted = Promise.withResolvers<void>();
  const watching = await new Watch(config).watch(
    path,
    query,
    (phase, object) => {
      seen.push(phase === 'BOOKMARK' ? phase : `${phase} ${object.metadata.name}`);
      if (phase === 'BOOKMARK') bookmarked.resolve();
      if (phase === 'DELETED') deleted.resolve();
    },
    end,
  );
  await bookmarked.promise;
  const object = configMap('seen', { a: '1' });
  await api.create(object as never);
  await apply({ ...object, data: { b: '2' } }, 'me', false);
  await api.delete(object as never);
  await deleted.promise;
  watching.abort();
  await ended;
  t.strictSame(
    seen.filter((one) => one !== 'BOOKMARK'),
    ['ADDED seen', 'MODIFIED seen', 'DELETED seen'],
  );
  const old = Promise.withResolvers<unknown>();
  await new Watch(config).watch(path, { resourceVersion: 'x' }, () => undefined, old.resolve);
  t.match(String(await old.promise), /Bad Request/);
});

t.test('server-side apply owns fields, conflicts, and may be forced', async (t) => {
  const object = configMap('applied', { colour: 'red' });
  const made = await apply(object, 'first', false);
  t.match(made.metadata?.managedFields, [{ manager: 'first', operation: 'Apply' }]);
  const other = { ...object, data: { colour: 'blue' } };
  await t.rejects(apply(other, 'second', false), { code: 409 } as unknown as Error);
  t.strictSame((await apply(other, 'second', true)).data, { colour: 'blue' });
  await apply({ ...object, data: {} }, 'second', true);
  t.notOk(((await api.read(object as never)) as { data?: object }).data, 'what is owned no more');
});

t.test('Log reads what a container wrote', async (t) => {
  const stream = new PassThrough();
  await new Log(config).log('default', 'one', 'main', stream, { tailLines: 2, follow: true });
  let text = '';
  for await (const bytes of stream) text += String(bytes);
  t.equal(text, 'first line\nlast line\n');
  t.match(agent.asked.at(-1), /^GET \/containerLogs\/default\/one\/main\?.*tailLines=2/);
});

t.test('Attach carries input to the container and its output back', async (t) => {
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered][0] ?? false,
  });
  agent.onUpgrade = (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (ws) =>
      ws.on('message', (message: Buffer) => {
        if (message[0] === 0) ws.send(Buffer.concat([Buffer.of(1), message.subarray(1)]));
      }),
    );
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const ws = await new Attach(config).attach('default', 'one', 'main', stdout, null, stdin, false);
  stdin.write('hello');
  t.equal(String((await once(stdout, 'data'))[0]), 'hello');
  t.match(agent.asked.at(-1), /^GET \/attach\/default\/one\/main\?.*stdin=true/);
  ws.close();
});
