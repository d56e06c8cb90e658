/** The official JavaScript client, loaded whole: what programs of others do. */
import {
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
} from '@kubernetes/client-node';
import t from 'tap';
import { startTestServer } from '../../support/api-server.ts';
import { configMap } from '../../support/objects.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const config = new KubeConfig();
config.loadFromFile(server.kubeconfig);
const core = config.makeApiClient(CoreV1Api);

t.test('an informer sees what is there and what comes', async (t) => {
  await core.createNamespacedConfigMap({
    namespace: 'default',
    body: configMap('before') as never,
  });
  const path = '/api/v1/namespaces/default/configmaps';
  const informer = makeInformer(config, path, () =>
    core.listNamespacedConfigMap({ namespace: 'default' }),
  );
  const seen: string[] = [];
  const three = new Promise<void>((resolve) => {
    for (const event of ['add', 'update', 'delete'] as const) {
      informer.on(event, (object: { metadata?: { name?: string } }) => {
        seen.push(`${event} ${object.metadata?.name}`);
        if (seen.at(-1) === 'delete later') resolve();
      });
    }
  });
  await informer.start();
  await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('later') as never });
  await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'later' });
  await three;
  await informer.stop();
  t.strictSame(
    seen.filter((one) => !one.startsWith('update')),
    ['add before', 'add later', 'delete later'],
  );
});

t.test('objects of any kind go through discovery', async (t) => {
  const api = KubernetesObjectApi.makeApiClient(config);
  const object = configMap('any', { a: '1' });
  const made = await api.create(object as never);
  t.ok((made as { metadata?: { uid?: string } }).metadata?.uid);
  const patch = { ...object, data: { a: '2' } };
  await api.patch(
    patch as never,
    undefined,
    undefined,
    undefined,
    undefined,
    PatchStrategy.MergePatch,
  );
  const read = (await api.read(object as never)) as unknown as typeof object;
  t.strictSame(read.data, { a: '2' });
  await api.delete(object as never);
  await t.rejects(api.read(object as never), { code: 404 } as unknown as Error);
});
