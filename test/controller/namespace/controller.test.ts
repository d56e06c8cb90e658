import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { configMaps, namespaces, nodes, pods, secrets } from '#api/resources/resource-types.ts';
import type { Namespace, Pod } from '#api/resources/types.ts';
import { namespaceController } from '#controller/namespace/controller.ts';
import { aPod } from '../../support/builders.ts';
import { running } from '../../support/controllers.ts';
import { withRequests } from '../../support/memory-requests.ts';

const namespaced = (kind: string, name: string, finalizers?: string[]): ApiObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: 'temp', ...(finalizers === undefined ? {} : { finalizers }) },
});

function setUp() {
  const run = running(namespaceController);
  const { api } = run;
  withRequests(api, [pods, configMaps, secrets, nodes]);
  const spec = { finalizers: ['kubernetes'] };
  api.seed(namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'temp' },
    spec,
  } as ApiObject);
  const held = () => api.store.find(namespaces, { name: 'temp' }) as Namespace | undefined;
  /**
   * As the API server does: the namespace stays, with a deletionTimestamp, for its spec.finalizers. The API in memory
   * does not know those and gets one in the metadata.
   */
  const remove = () => {
    const namespace = structuredClone(held()) as Namespace;
    namespace.metadata.deletionTimestamp = '2030-01-01T00:00:00Z';
    namespace.metadata.finalizers = ['test/spec-finalizers'];
    api.store.put(namespaces, { ...namespace, status: { phase: 'Terminating' } } as ApiObject);
  };
  const condition = (type: string) => held()?.status?.conditions?.find((one) => one.type === type);
  return { ...run, held, remove, condition };
}

t.test('a namespace that lives is left alone', async (t) => {
  const { api, start, settle, held } = setUp();
  api.seed(configMaps, namespaced('ConfigMap', 'c'));
  start();
  await settle();
  t.ok(held());
  t.equal(api.store.all(configMaps).length, 1);
});

t.test('an empty namespace goes at once, one with content when that is gone', async (t) => {
  const { api, start, settle, held, remove } = setUp();
  api.seed(configMaps, namespaced('ConfigMap', 'a'), namespaced('ConfigMap', 'b'));
  const elsewhere = { ...namespaced('ConfigMap', 'stays') };
  elsewhere.metadata.namespace = 'default';
  api.seed(configMaps, elsewhere);
  start();
  remove();
  await settle();
  t.equal(held(), undefined);
  t.strictSame(
    api.store.all(configMaps).map(({ metadata }) => metadata.name),
    ['stays'],
  );
});

t.test(
  'pods go first, and what they may need at their end goes after the last of them',
  async (t) => {
    const { api, start, settle, held, remove, condition } = setUp();
    const pod = aPod('p', { nodeName: 'a' });
    pod.metadata.namespace = 'temp';
    api.seed(pods, pod);
    api.seed(secrets, namespaced('Secret', 's'));
    start();
    remove();
    await settle();
    t.equal(api.store.all(secrets).length, 1);
    t.match(condition('NamespaceContentRemaining'), {
      status: 'True',
      reason: 'SomeResourcesRemain',
      message: 'Some resources are remaining: pods. has 1 resource instances',
    });
    api.store.remove(pods, api.store.all(pods)[0] as Pod);
    await settle(10_000);
    t.equal(api.store.all(secrets).length, 0);
    t.equal(held(), undefined);
  },
);

t.test('finalizers that hold it up are told', async (t) => {
  const { api, start, settle, held, remove, condition } = setUp();
  api.seed(configMaps, namespaced('ConfigMap', 'c', ['example.com/slow']));
  start();
  remove();
  await settle();
  t.match(condition('NamespaceFinalizersRemaining'), {
    status: 'True',
    message:
      'Some content in the namespace has finalizers remaining: example.com/slow in 1 resource instances',
  });
  t.match(condition('NamespaceDeletionContentFailure'), { status: 'False' });
  await api
    .collection(configMaps)
    .patch({ name: 'c', namespace: 'temp' }, { metadata: { finalizers: null } }, 'merge');
  await settle(10_000);
  t.equal(held(), undefined);
});

t.test('it looks less and less often at what does not go', async (t) => {
  const { api, start, settle, remove } = setUp();
  api.seed(configMaps, namespaced('ConfigMap', 'c', ['example.com/never']));
  start();
  remove();
  await settle(600_000);
  const looks = api.requests.filter((request) => request === 'GET /apis').length;
  t.ok(looks > 100 && looks < 140, `${looks} looks in ten minutes`);
});
