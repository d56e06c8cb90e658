/** Garbage collection and the end of namespaces as the profile sees them: real API server, real controllers, played nodes. */
import t from 'tap';
import { deploymentController } from '#controller/deployment/controller.ts';
import { garbageController } from '#controller/garbage/controller.ts';
import { namespaceController } from '#controller/namespace/controller.ts';
import {
  replicaSetController,
  replicationControllerController,
} from '#controller/replicaset/controller.ts';
import { startPlayedApi } from './played-api.ts';

const cluster = await startPlayedApi([
  garbageController,
  namespaceController,
  deploymentController,
  replicaSetController,
  replicationControllerController,
]);
t.teardown(() => cluster.close());

const template = (app: string, spec: object = {}) => ({
  metadata: { labels: { app } },
  spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'busybox' }], ...spec },
});
const rc = (name: string, replicas: number, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ReplicationController',
  metadata: { name },
  spec: { replicas, selector: { app: name }, template: template(name, spec) },
});
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: template('web') },
};
const deletion = (propagationPolicy: string) => ({
  apiVersion: 'v1',
  kind: 'DeleteOptions',
  propagationPolicy,
});
interface Listed {
  readonly items?: readonly { readonly metadata: Record<string, never> }[];
}
const count =
  (wanted: number) =>
  ({ items }: Listed) =>
    items?.length === wanted;

t.test('Garbage collector should delete pods created by rc when not orphaning', async () => {
  const base = await cluster.namespace('background');
  await cluster.post(`${base}/replicationcontrollers`, rc('simple', 5));
  await cluster.until(`${base}/pods`, count(5));
  await cluster.delete(`${base}/replicationcontrollers/simple`, deletion('Background'));
  await cluster.until(`${base}/replicationcontrollers/simple`, (_, status) => status === 404);
  await cluster.until(`${base}/pods`, count(0));
});

t.test('Garbage collector should orphan pods created by rc if delete options say so', async (t) => {
  const base = await cluster.namespace('orphan');
  await cluster.post(`${base}/replicationcontrollers`, rc('simple', 4));
  await cluster.until(`${base}/pods`, count(4));
  await cluster.delete(`${base}/replicationcontrollers/simple`, deletion('Orphan'));
  await cluster.until(`${base}/replicationcontrollers/simple`, (_, status) => status === 404);
  const { items } = (await cluster.get(`${base}/pods`)).json;
  t.equal(items.length, 4);
  t.ok(
    items.every(
      ({ metadata }: Listed & { metadata: Record<string, unknown> }) =>
        metadata['ownerReferences'] === undefined,
    ),
  );
});

t.test('Garbage collector should delete RS created by deployment when not orphaning', async () => {
  await cluster.namespace('deployment');
  const apps = '/apis/apps/v1/namespaces/deployment';
  await cluster.post(`${apps}/deployments`, deployment);
  await cluster.until(`${apps}/replicasets`, count(1));
  await cluster.until('/api/v1/namespaces/deployment/pods', count(2));
  await cluster.delete(`${apps}/deployments/web`, deletion('Background'));
  await cluster.until(`${apps}/replicasets`, count(0));
  await cluster.until('/api/v1/namespaces/deployment/pods', count(0));
});

t.test(
  'Garbage collector should orphan RS created by deployment when deleteOptions.PropagationPolicy is Orphan',
  async (t) => {
    await cluster.namespace('kept');
    const apps = '/apis/apps/v1/namespaces/kept';
    await cluster.post(`${apps}/deployments`, deployment);
    await cluster.until(`${apps}/replicasets`, count(1));
    await cluster.delete(`${apps}/deployments/web`, deletion('Orphan'));
    await cluster.until(`${apps}/deployments/web`, (_, status) => status === 404);
    const { items } = (await cluster.get(`${apps}/replicasets`)).json;
    t.match(items, [{ metadata: { ownerReferences: undefined } }]);
  },
);

t.test(
  'Garbage collector should keep the rc around until all its pods are deleted if the deleteOptions says so',
  async (t) => {
    const base = await cluster.namespace('foreground');
    await cluster.post(`${base}/replicationcontrollers`, rc('simple', 3));
    const { items } = await cluster.until(`${base}/pods`, count(3));
    const held = items[0].metadata.name;
    const finalizers = ['example.com/hold'];
    await cluster.patch(`${base}/pods/${held}`, { metadata: { finalizers } });
    await cluster.delete(`${base}/replicationcontrollers/simple`, deletion('Foreground'));
    await cluster.until(`${base}/pods`, count(1));
    const waiting = (await cluster.get(`${base}/replicationcontrollers/simple`)).json;
    t.match(waiting.metadata, { finalizers: ['foregroundDeletion'], deletionTimestamp: /.+/ });
    await cluster.patch(`${base}/pods/${held}`, { metadata: { finalizers: null } });
    await cluster.until(`${base}/replicationcontrollers/simple`, (_, status) => status === 404);
  },
);

t.test(
  "Garbage collector should not delete dependents that have both valid owner and owner that's waiting for dependents to be deleted",
  async (t) => {
    const base = await cluster.namespace('both');
    await cluster.post(`${base}/replicationcontrollers`, rc('to-be-deleted', 4));
    await cluster.post(`${base}/replicationcontrollers`, rc('to-stay', 0));
    const { items } = await cluster.until(`${base}/pods`, count(4));
    const stay = (await cluster.get(`${base}/replicationcontrollers/to-stay`)).json.metadata;
    const owner = {
      apiVersion: 'v1',
      kind: 'ReplicationController',
      name: 'to-stay',
      uid: stay.uid,
    };
    const shared = items
      .slice(0, 2)
      .map(({ metadata }: { metadata: { name: string } }) => metadata.name);
    for (const name of shared) {
      const { ownerReferences } = (await cluster.get(`${base}/pods/${name}`)).json.metadata;
      await cluster.patch(`${base}/pods/${name}`, {
        metadata: { ownerReferences: [...ownerReferences, owner] },
      });
    }
    await cluster.delete(`${base}/replicationcontrollers/to-be-deleted`, deletion('Foreground'));
    await cluster.until(
      `${base}/replicationcontrollers/to-be-deleted`,
      (_, status) => status === 404,
    );
    const left = await cluster.until(`${base}/pods`, count(2));
    t.strictSame(
      left.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name).sort(),
      shared.sort(),
    );
    t.match(left.items, Array(2).fill({ metadata: { ownerReferences: [{ name: 'to-stay' }] } }));
  },
);

t.test('Garbage collector should not be blocked by dependency circle', async () => {
  const base = await cluster.namespace('circle');
  const pod = (name: string) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: template('x').spec,
  });
  const uids = new Map<string, string>();
  for (const name of ['pod1', 'pod2', 'pod3']) {
    uids.set(name, (await cluster.post(`${base}/pods`, pod(name))).json.metadata.uid);
  }
  const owns: [string, string][] = [
    ['pod3', 'pod1'],
    ['pod1', 'pod2'],
    ['pod2', 'pod3'],
  ];
  for (const [name, owned] of owns) {
    const owner = {
      apiVersion: 'v1',
      kind: 'Pod',
      name,
      uid: uids.get(name),
      controller: true,
      blockOwnerDeletion: true,
    };
    await cluster.patch(`${base}/pods/${owned}`, { metadata: { ownerReferences: [owner] } });
  }
  await cluster.delete(`${base}/pods/pod1`, deletion('Foreground'));
  await cluster.until(`${base}/pods`, count(0));
});

for (const what of ['pods', 'services'])
  t.test(
    `Namespaces should ensure that all ${what} are removed when a namespace is deleted`,
    async (t) => {
      const name = `whole-${what}`;
      const base = await cluster.namespace(name);
      const metadata = { name: 's' };
      const service = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: { ports: [{ port: 80 }] },
      };
      if (what === 'pods') await cluster.post(`${base}/replicationcontrollers`, rc('simple', 2));
      else await cluster.post(`${base}/services`, service);
      await cluster.until(`${base}/${what}`, count(what === 'pods' ? 2 : 1));
      await cluster.delete(base);
      const late = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late' } };
      const refused = await cluster.post(`${base}/configmaps`, late);
      t.ok(refused.status === 403 || refused.status === 404, `${refused.status}`);
      await cluster.until(base, (_, status) => status === 404);
      await cluster.namespace(name);
      t.equal((await cluster.get(`${base}/${what}`)).json.items.length, 0);
    },
  );

t.test('OrderedNamespaceDeletion namespace deletion should delete pod first', async (t) => {
  const base = await cluster.namespace('ordered');
  const finalizers = ['example.com/hold'];
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', finalizers },
    spec: template('x').spec,
  };
  await cluster.post(`${base}/pods`, pod);
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } };
  t.equal((await cluster.post(`${base}/configmaps`, map)).status, 201);
  await cluster.delete(base);
  const waiting = await cluster.until(base, ({ status }) =>
    status?.conditions?.some(
      ({ type, status: is }: Record<string, string>) =>
        type === 'NamespaceContentRemaining' && is === 'True',
    ),
  );
  t.equal(waiting.status.phase, 'Terminating');
  t.equal((await cluster.get(`${base}/configmaps/m`)).status, 200, 'it waits for the pod');
  await cluster.patch(`${base}/pods/p`, { metadata: { finalizers: null } });
  await cluster.until(base, (_, status) => status === 404);
});
