/** Addresses and node ports of services, through the API of a real server. */
import t from 'tap';
import { Addresses } from '#api/allocation/addresses.ts';
import { ClusterReservations } from '#api/allocation/cluster-reservations.ts';
import { Repair } from '#api/allocation/repair.ts';
import { services } from '#api/resources/resource-types.ts';
import type { Service } from '#api/resources/types.ts';
import { createKinds } from '#api/schema/kinds.ts';
import { createMemoryStorage } from '#api/storage/memory.ts';
import { WatchCache } from '#api/storage/watch-cache.ts';
import { startTestServer, type TestServer } from '../../support/api-server.ts';

const addressType = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'ipaddresses',
  kind: 'IPAddress',
  namespaced: false,
};

type Spec = NonNullable<Service['spec']>;
const service = (name: string, spec: Spec): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { ports: [{ port: 80 }], ...spec },
});

let api: TestServer;
t.before(async () => {
  api = await startTestServer();
});
t.teardown(() => api.close());

const collection = () => api.client().collection<Service>(services);

t.test('the API has its own Service, on the first address of the range', async (t) => {
  const own = await collection().get({ namespace: 'default', name: 'kubernetes' });
  t.match(own.spec, { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'], type: 'ClusterIP' });
  t.match(own.metadata.labels, { component: 'apiserver', provider: 'kubernetes' });
  const held = await api.client().collection(addressType).get({ name: '10.96.0.1' });
  t.match(held, { spec: { parentRef: { resource: 'services', name: 'kubernetes' } } });
});

t.test('a service has its address in the answer to its creation', async (t) => {
  const made = await collection().create(service('a', { selector: { app: 'a' } }));
  t.match(made.spec?.clusterIP, /^10\.(9[6-9]|10\d|11[01])\.\d+\.\d+$/);
  t.strictSame(made.spec?.clusterIPs, [made.spec?.clusterIP]);
  t.strictSame(made.spec?.ipFamilies, ['IPv4']);
  t.equal(made.spec?.ipFamilyPolicy, 'SingleStack');
  t.equal(made.spec?.ports?.[0]?.nodePort, undefined);
});

t.test('a hundred services made at once have a hundred addresses and node ports', async (t) => {
  const names = Array.from({ length: 100 }, (_, i) => `many-${i}`);
  const made = await Promise.all(
    names.map((name) => collection().create(service(name, { type: 'NodePort' }))),
  );
  t.equal(new Set(made.map(({ spec }) => spec?.clusterIP)).size, 100);
  const ports = made.map(({ spec }) => spec?.ports?.[0]?.nodePort ?? 0);
  t.equal(new Set(ports).size, 100);
  t.ok(ports.every((port) => port >= 30_000 && port <= 32_767));
  await Promise.all(names.map((name) => collection().delete({ namespace: 'default', name })));
  const left = await api.client().collection(addressType).list();
  t.equal(left.items.length, 3, 'given back with the services: kubernetes, kube-dns and a stay');
});

t.test('twenty who want one address: one has it', async (t) => {
  const names = Array.from({ length: 20 }, (_, i) => `rival-${i}`);
  const outcomes = await Promise.allSettled(
    names.map((name) =>
      collection().create(
        service(name, {
          type: 'NodePort',
          clusterIP: '10.96.0.50',
          ports: [{ port: 80, nodePort: 30_050 }],
        }),
      ),
    ),
  );
  const made = outcomes.filter(({ status }) => status === 'fulfilled');
  t.equal(made.length, 1);
  const refused = outcomes.find((one) => one.status === 'rejected');
  t.match(refused?.reason, {
    code: 422,
    message:
      /spec\.clusterIPs: Invalid value: \["10\.96\.0\.50"\]: failed to allocate IP 10\.96\.0\.50: provided IP is already allocated/,
  });
});

t.test('a refused service keeps nothing', async (t) => {
  const clash = service('clash', {
    type: 'NodePort',
    clusterIP: '10.96.0.60',
    ports: [{ port: 80, nodePort: 30_050 }],
  });
  await t.rejects(collection().create(clash), {
    message: /spec\.ports\[0\]\.nodePort: Invalid value: 30050: provided port is already allocated/,
  });
  const made = await collection().create(service('clash', { clusterIP: '10.96.0.60' }));
  t.equal(made.spec?.clusterIP, '10.96.0.60');
  const again = service('clash', { clusterIP: '10.96.0.61' });
  await t.rejects(collection().create(again), { code: 409, message: /already exists/ });
  await collection().create(service('free', { clusterIP: '10.96.0.61' }));
});

t.test('what is outside the ranges is refused', async (t) => {
  await t.rejects(collection().create(service('out', { clusterIP: '192.168.1.1' })), {
    message: /The range of valid IPs is 10\.96\.0\.0\/12/,
  });
  const port = service('out', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] });
  await t.rejects(collection().create(port), {
    message: /The range of valid ports is 30000-32767/,
  });
  await t.rejects(collection().create(service('out', { ipFamilies: ['IPv6'] })), {
    message: /spec\.ipFamilies\[0\]: Invalid value: "IPv6": not configured on this cluster/,
  });
});

t.test('types come and go with what they need', async (t) => {
  const made = await collection().create(service('turn', { type: 'ClusterIP' }));
  const node = await collection().update({ ...made, spec: { ...made.spec, type: 'NodePort' } });
  const port = node.spec?.ports?.[0]?.nodePort ?? 0;
  t.ok(port >= 30_000);
  t.equal(node.spec?.clusterIP, made.spec?.clusterIP);
  const back = await collection().update({ ...node, spec: { ...node.spec, type: 'ClusterIP' } });
  t.equal(back.spec?.ports?.[0]?.nodePort, undefined);
  const taken = service('heir', { type: 'NodePort', ports: [{ port: 80, nodePort: port }] });
  t.equal((await collection().create(taken)).spec?.ports?.[0]?.nodePort, port);
  const named = await collection().update({
    ...back,
    spec: { ...back.spec, type: 'ExternalName', externalName: 'example.org' },
  });
  t.equal(named.spec?.clusterIP, undefined);
  const address = made.spec?.clusterIP ?? '';
  t.equal(
    (await collection().create(service('heir-2', { clusterIP: address }))).spec?.clusterIP,
    address,
  );
});

t.test('one service port has one node port for both protocols', async (t) => {
  const ports = [
    { name: 'tcp', port: 53, protocol: 'TCP' },
    { name: 'udp', port: 53, protocol: 'UDP' },
  ];
  const made = await collection().create(service('dns', { type: 'NodePort', ports }));
  const [tcp, udp] = made.spec?.ports ?? [];
  t.ok(tcp?.nodePort);
  t.equal(tcp?.nodePort, udp?.nodePort);
});

t.test('headless services and external names need no address', async (t) => {
  const headless = await collection().create(
    service('headless', { clusterIP: 'None', selector: { a: 'b' } }),
  );
  t.strictSame(headless.spec?.clusterIPs, ['None']);
  const external = await collection().create(
    service('external', { type: 'ExternalName', externalName: 'example.org' }),
  );
  t.equal(external.spec?.clusterIP, undefined);
  t.equal(external.spec?.ipFamilies, undefined);
});

t.test('a load balancer that asks for local traffic has a port for its health', async (t) => {
  const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };
  const made = await collection().create(service('lb', local));
  const port = made.spec?.healthCheckNodePort ?? 0;
  t.ok(port >= 30_000);
  const put = async (spec: Spec) => {
    const { metadata } = await collection().get(made.metadata);
    return collection().update({ ...service('lb', spec), metadata });
  };
  const kept = await put({ ...local, selector: { app: 'lb' } });
  t.equal(kept.spec?.healthCheckNodePort, port, 'an update that leaves it out keeps it');
  await t.rejects(put({ ...local, healthCheckNodePort: port === 31_007 ? 31_008 : 31_007 }), {
    message: /spec.healthCheckNodePort: Forbidden: field is immutable/,
  });
  const held = service('other', { ...local, healthCheckNodePort: port });
  await t.rejects(collection().create(held), { message: /port is already allocated/ });
  const ingress = [{ ip: '192.0.2.1' }, { ip: '192.0.2.2', ipMode: 'Proxy' }];
  const status = { loadBalancer: { ingress } };
  const balanced = await collection().patchStatus(made.metadata, { status }, 'merge');
  const modes = balanced.status?.loadBalancer?.ingress?.map(({ ipMode }) => ipMode);
  t.strictSame(modes, ['VIP', 'Proxy'], 'addresses lead to it unless they say otherwise');
  const opened = await put({ type: 'LoadBalancer' });
  t.equal(opened.spec?.healthCheckNodePort, undefined, 'it goes with what needs it');
  t.equal((await collection().create(held)).spec?.healthCheckNodePort, port, 'and is free again');
  await collection().delete(held.metadata);
  t.equal(
    (await collection().create(held)).spec?.healthCheckNodePort,
    port,
    'after a deletion, too',
  );
});

t.test(
  'what a crash left is put right: no address without a service, no service without',
  async (t) => {
    const storage = createMemoryStorage();
    const range = {
      kind: 'ServiceCIDR',
      apiVersion: 'networking.k8s.io/v1',
      metadata: { name: 'kubernetes' },
      spec: { cidrs: ['10.96.0.0/24'] },
    };
    const put = (key: string, value: object) =>
      storage.put(key, Buffer.from(JSON.stringify(value)), { expectedRevision: 0 });
    await put('/registry/servicecidrs/kubernetes', range);
    const held = {
      ...service('kept', { type: 'NodePort', clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'] }),
    };
    held.spec = { ...held.spec, ports: [{ port: 80, nodePort: 30_007 }] };
    await put('/registry/services/specs/default/kept', held);
    const cache = await WatchCache.start(storage, { prefix: '/registry/' });
    t.teardown(() => cache.close());
    let now = new Date('2026-01-01T00:00:00Z');
    const place = { storage, cache, now: () => now, kinds: createKinds() };
    const reservations = new ClusterReservations(place, (message) => t.fail(message));
    await new Addresses(place).take('10.96.0.9', { namespace: 'default', name: 'gone' }, false);
    await reservations.ports.take([30_009], false);
    const repair = new Repair(place, reservations, (message) => t.fail(message));
    const addresses = async () =>
      (await storage.range('/registry/ipaddresses/')).items.map(({ key }) => key.split('/').at(-1));
    await repair.run();
    t.strictSame(await addresses(), ['10.96.0.7', '10.96.0.9'], 'young ones are left alone');
    t.strictSame(await reservations.ports.all(), [30_007, 30_009]);
    now = new Date('2026-01-01T00:02:00Z');
    await cache.waitFor((await storage.range('/registry/')).revision);
    await repair.run();
    t.strictSame(await addresses(), ['10.96.0.7']);
    t.strictSame(await reservations.ports.all(), [30_007]);
  },
);
