/** A small range of cluster addresses, and all node ports taken: what is said, and that it is over when one is free. */
import t from 'tap';
import { serviceCidrs, services } from '#api/resources/resource-types.ts';
import type { Service, ServiceCidr } from '#api/resources/types.ts';
import { createMemoryStorage } from '#api/storage/memory.ts';
import { startTestServer } from '../../support/api-server.ts';

type Spec = NonNullable<Service['spec']>;
const service = (name: string, spec: Spec = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { ports: [{ port: 80 }], ...spec },
});

// Of six addresses the API's own Service has one.
const server = await startTestServer(createMemoryStorage(), { serviceCidr: '10.96.0.0/29' });
t.teardown(() => server.close());
const collection = server.client().collection<Service>(services);
const create = (name: string, spec?: Spec) => collection.create(service(name, spec));
const remove = (name: string) => collection.delete({ namespace: 'default', name });

t.test('a full range of addresses is told as Kubernetes tells it', async (t) => {
  const made = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => create(name)));
  const addresses = made.map(({ spec }) => spec?.clusterIP).sort();
  t.strictSame(
    addresses,
    [2, 3, 4, 5, 6].map((last) => `10.96.0.${last}`),
  );
  await t.rejects(create('f'), {
    code: 500,
    reason: 'InternalError',
    message: 'Internal error occurred: failed to allocate a serviceIP: range is full',
    status: { details: { causes: [{ message: 'failed to allocate a serviceIP: range is full' }] } },
  });
  await t.rejects(create('f', { clusterIP: '10.96.0.4' }), {
    code: 422,
    message:
      'Service "f" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.4"]: failed to allocate IP 10.96.0.4: provided IP is already allocated',
  });
  await create('f', { clusterIP: 'None', selector: { app: 'f' } });
});

t.test('an address that is given back goes to the next who asks', async (t) => {
  const { spec } = await collection.get({ namespace: 'default', name: 'c' });
  await remove('c');
  const made = await create('g');
  t.equal(made.spec?.clusterIP, spec?.clusterIP);
  await t.rejects(create('h'), { message: /range is full/ });
});

t.test('another range makes room, and is asked when the first is full', async (t) => {
  const range = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'more' },
    spec: { cidrs: ['10.96.1.0/30'] },
  } as ServiceCidr;
  await server.client().collection<ServiceCidr>(serviceCidrs).create(range);
  const made = await Promise.all([create('h'), create('i')]);
  t.strictSame(made.map(({ spec }) => spec?.clusterIP).sort(), ['10.96.1.1', '10.96.1.2']);
  await t.rejects(create('j'), { message: /range is full/ });
  for (const name of ['h', 'i']) await remove(name);
});

t.test('full node ports are told as Kubernetes tells it, and keep nothing', async (t) => {
  const size = 32_767 - 30_000 + 1;
  const all = Array.from({ length: size }, (_, i) => ({ name: `p${i}`, port: i + 1 }));
  const made = await create('ports', { type: 'NodePort', ports: all });
  t.equal(new Set(made.spec?.ports?.map(({ nodePort }) => nodePort)).size, size);
  await t.rejects(create('late', { type: 'NodePort' }), {
    code: 500,
    reason: 'InternalError',
    message: 'Internal error occurred: failed to allocate a nodePort: range is full',
  });
  await t.rejects(
    create('late', {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      allocateLoadBalancerNodePorts: false,
    }),
    {
      code: 500,
      message:
        'Internal error occurred: failed to allocate a HealthCheck NodePort 0: range is full',
    },
  );
  const late = await create('late');
  t.ok(late.spec?.clusterIP, 'the address that was had for it was given back');
  await t.rejects(collection.update({ ...late, spec: { ...late.spec, type: 'NodePort' } }), {
    message: /failed to allocate a nodePort: range is full/,
  });
  await remove('ports');
  const turned = await collection.update({ ...late, spec: { ...late.spec, type: 'NodePort' } });
  t.ok(turned.spec?.ports?.[0]?.nodePort);
});

t.test('of several ports the one that cannot be had is named', async (t) => {
  await remove('late');
  await create('holder', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_001 }] });
  const ports = [
    { name: 'a', port: 1 },
    { name: 'b', port: 2, nodePort: 30_005 },
    { name: 'c', port: 3, nodePort: 30_001 },
  ];
  await t.rejects(create('several', { type: 'NodePort', ports }), {
    code: 422,
    message:
      'Service "several" is invalid: spec.ports[2].nodePort: Invalid value: 30001: provided port is already allocated',
  });
  const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };
  await t.rejects(create('several', { ...local, healthCheckNodePort: 30_001 }), {
    code: 500,
    message:
      'Internal error occurred: failed to allocate requested HealthCheck NodePort 30001: provided port is already allocated',
  });
});
