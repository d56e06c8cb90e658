import t from 'tap';
import { endpointSlices, endpoints, nodes, pods, services } from '#api/resources/resource-types.ts';
import type { EndpointSlice, Endpoints, Pod, Service } from '#api/resources/types.ts';
import {
  endpointSliceController,
  endpointSliceMirroringController,
  endpointsObjectController,
} from '#controller/endpoints/controller.ts';
import { aNode, aRunningPod, aService } from '../../support/builders.ts';
import { running } from '../../support/controllers.ts';
import { crashEverywhere } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';

const controllers = [
  endpointSliceController,
  endpointsObjectController,
  endpointSliceMirroringController,
];

const slicesIn = (api: MemoryApi) => api.store.all(endpointSlices) as EndpointSlice[];
const told = (api: MemoryApi) =>
  slicesIn(api)
    .flatMap(({ endpoints: list = [] }) => list.flatMap(({ addresses }) => addresses))
    .sort();
const inObject = (api: MemoryApi, name: string) => {
  const found = api.store.find(endpoints, { name, namespace: 'default' }) as Endpoints | undefined;
  return found?.subsets?.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip));
};

const setUp = () => {
  const run = running(...controllers);
  run.api.seed(nodes, aNode('a', {}, { labels: { 'topology.kubernetes.io/zone': 'west' } }));
  const web = { name: 'web', namespace: 'default' };
  return { ...run, web, pods: run.api.collection<Pod>(pods) };
};

t.test('pods come and go, and both forms follow', async (t) => {
  const { api, start, settle, pods: collection } = setUp();
  api.seed(services, aService('web'));
  start();
  await settle();
  t.match(slicesIn(api), [{ endpoints: [] }]);
  t.strictSame(inObject(api, 'web'), undefined);
  api.seed(pods, aRunningPod('p1', 'web', '10.1.0.1'), aRunningPod('p2', 'other', '10.1.0.2'));
  await settle();
  t.strictSame([told(api), inObject(api, 'web')], [['10.1.0.1'], ['10.1.0.1']]);
  await collection.patch(
    { name: 'p2', namespace: 'default' },
    { metadata: { labels: { app: 'web' } } },
    'merge',
  );
  await settle();
  t.strictSame(told(api), ['10.1.0.1', '10.1.0.2']);
  await collection.delete({ name: 'p1', namespace: 'default' }, { gracePeriodSeconds: 0 });
  await settle();
  t.strictSame([told(api), inObject(api, 'web')], [['10.1.0.2'], ['10.1.0.2']]);
});

t.test('a change of selector and of ports is followed', async (t) => {
  const { api, start, settle, web } = setUp();
  api.seed(services, aService('web'));
  api.seed(pods, aRunningPod('p1', 'web', '10.1.0.1'), aRunningPod('p2', 'new', '10.1.0.2'));
  start();
  await settle();
  const collection = api.collection<Service>(services);
  await collection.patch(web, { spec: { selector: { app: 'new' } } }, 'merge');
  await settle();
  t.strictSame(told(api), ['10.1.0.2']);
  const ports = [{ name: 'http', port: 80, targetPort: 9090, protocol: 'TCP' }];
  await collection.patch(web, { spec: { ports } }, 'merge');
  await settle();
  t.match(slicesIn(api), [{ ports: [{ port: 9090 }] }]);
  t.equal(slicesIn(api).length, 1);
});

t.test('slices and endpoints go with their service', async (t) => {
  const { api, start, settle, web } = setUp();
  api.seed(services, aService('web'));
  start();
  await settle();
  await api.collection<Service>(services).delete(web);
  await settle();
  t.strictSame([slicesIn(api).length, api.store.all(endpoints).length], [0, 0]);
});

t.test('what others change in a slice is put right, a slice of others is left alone', async (t) => {
  const { api, start, settle } = setUp();
  api.seed(services, aService('web'));
  api.seed(pods, aRunningPod('p1', 'web', '10.1.0.1'));
  const foreign = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'mine',
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': 'web' },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['192.0.2.9'] }],
  };
  api.seed(endpointSlices, foreign);
  start();
  await settle();
  const [own] = slicesIn(api).filter(({ metadata }) => metadata.name !== 'mine');
  const collection = api.collection<EndpointSlice>(endpointSlices);
  await collection.update({ ...(own as EndpointSlice), endpoints: [] });
  await settle();
  t.strictSame(told(api), ['10.1.0.1', '192.0.2.9']);
  await collection.delete({ name: own?.metadata.name ?? '', namespace: 'default' });
  await settle();
  t.strictSame(told(api), ['10.1.0.1', '192.0.2.9']);
});

t.test('hand-made endpoints are mirrored and go with their service', async (t) => {
  const { api, start, settle, web } = setUp();
  api.seed(services, aService('web', { selector: {} }));
  start();
  const made: Endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: web,
    subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 80, protocol: 'TCP' }] }],
  };
  const collection = api.collection<Endpoints>(endpoints);
  await collection.create(made);
  await settle();
  t.strictSame(told(api), ['192.0.2.1']);
  await collection.patch(
    web,
    { subsets: [{ addresses: [{ ip: '192.0.2.7' }], ports: [{ port: 80, protocol: 'TCP' }] }] },
    'merge',
  );
  await settle();
  t.strictSame(told(api), ['192.0.2.7']);
  await api.collection<Service>(services).delete(web);
  await settle();
  t.strictSame([slicesIn(api).length, api.store.all(endpoints).length], [0, 0]);
});

t.test('endpoints that nobody has a service for are left alone', async (t) => {
  const { api, start, settle } = setUp();
  const lonely = { metadata: { name: 'lonely', namespace: 'default' } };
  api.seed(endpoints, { apiVersion: 'v1', kind: 'Endpoints', ...lonely });
  start();
  await settle(60_000);
  t.equal(api.store.all(endpoints).length, 1);
});

t.test('at rest, and while pods only tell more of themselves, nothing is written', async (t) => {
  const { api, start, settle } = setUp();
  api.seed(services, aService('web'));
  api.seed(pods, aRunningPod('p1', 'web', '10.1.0.1'));
  start();
  await settle();
  const before = api.requests.filter((request) => !request.startsWith('watch')).length;
  const pod = api.store.find(pods, { name: 'p1', namespace: 'default' }) as Pod;
  api.store.put(pods, { ...pod, status: { ...pod.status, message: 'busy' } } as Pod);
  await settle(60_000);
  t.equal(api.requests.filter((request) => !request.startsWith('watch')).length, before);
});

t.test('a crash between any two writes changes nothing in the end', async (t) => {
  const web = { name: 'web', namespace: 'default' };
  const all = [...Array(120).keys()].map((i) => aRunningPod(`p${i}`, 'web', `10.1.0.${i}`));
  const scenario = {
    controllers,
    steps: [
      (api: MemoryApi) => api.seed(services, aService('web'), aService('db', { selector: {} })),
      (api: MemoryApi) => api.seed(pods, ...all),
      (api: MemoryApi) =>
        api.seed(endpoints, {
          apiVersion: 'v1',
          kind: 'Endpoints',
          metadata: { name: 'db', namespace: 'default' },
          subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 1 }] }],
        } as Endpoints),
      (api: MemoryApi) => {
        for (const pod of all.slice(0, 60)) api.store.remove(pods, pod);
      },
      (api: MemoryApi) =>
        api
          .collection<Service>(services)
          .patch(
            web,
            { spec: { ports: [{ port: 80, targetPort: 81, protocol: 'TCP' }] } },
            'merge',
          ),
    ],
    picture: (api: MemoryApi) => [
      told(api),
      inObject(api, 'web'),
      slicesIn(api)
        .map(({ ports, endpoints: list = [] }) => [ports?.[0]?.port, list.length])
        .sort(),
    ],
  };
  const writes = await crashEverywhere(scenario, (result, undisturbed, crash) =>
    t.strictSame(result, undisturbed, crash),
  );
  t.ok(writes > 8, `${writes} writes`);
});
