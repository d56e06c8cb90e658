/** Endpoints and EndpointSlices as the profile sees them: real API server, real controllers, played nodes. */
import t from 'tap';
import {
  endpointSliceController,
  endpointSliceMirroringController,
  endpointsObjectController,
} from '#controller/endpoints/controller.ts';
import { startPlayedApi } from './played-api.ts';

const cluster = await startPlayedApi([
  endpointSliceController,
  endpointsObjectController,
  endpointSliceMirroringController,
]);
t.teardown(() => cluster.close());

const slicesOf = (namespace: string, service: string) =>
  `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D${service}`;

const service = (name: string, spec: object) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { ports: [{ name: 'http', port: 80, protocol: 'TCP' }], ...spec },
});
const pod = (name: string, labels: object, ports: object[] = []) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
  spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'busybox', ports }] },
});

interface Slice {
  readonly endpoints?: { readonly addresses: string[]; readonly conditions: { ready: boolean } }[];
  readonly ports?: { readonly name: string; readonly port: number }[];
}
interface Slices {
  readonly items: readonly Slice[];
}
const addresses = ({ items }: Slices) =>
  items.flatMap(({ endpoints }) => (endpoints ?? []).flatMap((one) => one.addresses)).sort();

t.test(
  'EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods',
  async (t) => {
    const base = await cluster.namespace('empty');
    await cluster.post(`${base}/services`, service('example', { selector: { does: 'not-match' } }));
    const endpoints = await cluster.until(
      `${base}/endpoints/example`,
      (_, status) => status === 200,
    );
    t.equal(endpoints.subsets, undefined);
    const slices = await cluster.until(
      slicesOf('empty', 'example'),
      ({ items }) => items?.length === 1,
    );
    t.strictSame(addresses(slices), []);
    await cluster.delete(`${base}/services/example`);
    await cluster.until(`${base}/endpoints/example`, (_, status) => status === 404);
    await cluster.until(slicesOf('empty', 'example'), ({ items }) => items?.length === 0);
  },
);

t.test(
  'EndpointSlice should create Endpoints and EndpointSlices for Pods matching a Service',
  async (t) => {
    const base = await cluster.namespace('matching');
    const ports = [{ name: 'example-name', containerPort: 3000, protocol: 'TCP' }];
    await cluster.post(`${base}/pods`, pod('pod1', { foo: 'bar', number: '1' }, ports));
    await cluster.post(`${base}/pods`, pod('pod2', { foo: 'bar', number: '2' }, ports));
    const ip = async (name: string) =>
      (await cluster.until(`${base}/pods/${name}`, ({ status }) => status?.podIP)).status.podIP;
    const [one, two] = [await ip('pod1'), await ip('pod2')];
    const named = [{ name: 'example', port: 80, targetPort: 'example-name', protocol: 'TCP' }];
    const numbered = [{ name: 'example', port: 80, targetPort: 3001, protocol: 'TCP' }];
    await cluster.post(
      `${base}/services`,
      service('int-port', { selector: { number: '1' }, ports: numbered }),
    );
    await cluster.post(
      `${base}/services`,
      service('name-port', { selector: { foo: 'bar' }, ports: named }),
    );
    const both = await cluster.until(
      slicesOf('matching', 'name-port'),
      (list) => addresses(list).length === 2,
    );
    t.strictSame(addresses(both), [one, two].sort());
    t.match(both.items, [{ ports: [{ name: 'example', port: 3000 }], addressType: 'IPv4' }]);
    const single = await cluster.until(
      slicesOf('matching', 'int-port'),
      (list) => addresses(list).length === 1,
    );
    t.match(single.items, [{ ports: [{ port: 3001 }], endpoints: [{ addresses: [one] }] }]);
    const endpoints = await cluster.until(`${base}/endpoints/name-port`, ({ subsets }) => subsets);
    t.match(endpoints.subsets, [{ ports: [{ name: 'example', port: 3000, protocol: 'TCP' }] }]);
    t.strictSame(
      endpoints.subsets[0].addresses.map(({ ip: address }: { ip: string }) => address).sort(),
      [one, two].sort(),
    );
  },
);

t.test('EndpointsController should follow pods that come, fail and go', async (t) => {
  const base = await cluster.namespace('following');
  await cluster.post(`${base}/services`, service('web', { selector: { app: 'web' } }));
  await cluster.post(`${base}/pods`, pod('sick', { app: 'web' }));
  await cluster.until(
    `${base}/endpoints/web`,
    ({ subsets }) => subsets?.[0]?.addresses?.length === 1,
  );
  await cluster.behave('sick', 'unready');
  const failed = await cluster.until(
    `${base}/endpoints/web`,
    ({ subsets }) => subsets?.[0]?.notReadyAddresses,
  );
  t.equal(failed.subsets[0].addresses, undefined);
  await cluster.until(slicesOf('following', 'web'), ({ items }: Slices) =>
    items.some(({ endpoints }) => endpoints?.[0]?.conditions.ready === false),
  );
  await cluster.delete(`${base}/pods/sick`);
  await cluster.until(`${base}/endpoints/web`, ({ subsets }) => subsets === undefined);
});

t.test('Services should serve multiport endpoints from pods', async () => {
  const base = await cluster.namespace('multiport');
  const ports = [
    { name: 'portname1', port: 80, targetPort: 'portname1' },
    { name: 'portname2', port: 81, targetPort: 'portname2' },
  ];
  await cluster.post(`${base}/services`, service('multi', { selector: { app: 'multi' }, ports }));
  const port = (name: string, containerPort: number) => ({ name, containerPort, protocol: 'TCP' });
  await cluster.post(`${base}/pods`, pod('pod1', { app: 'multi' }, [port('portname1', 100)]));
  await cluster.post(`${base}/pods`, pod('pod2', { app: 'multi' }, [port('portname2', 101)]));
  const numbers = ({ subsets = [] }: { subsets?: { ports: { port: number }[] }[] }) =>
    subsets
      .flatMap((subset) => subset.ports.map((one) => one.port))
      .sort()
      .join();
  await cluster.until(`${base}/endpoints/multi`, (found) => numbers(found) === '100,101');
  await cluster.delete(`${base}/pods/pod1`);
  await cluster.until(`${base}/endpoints/multi`, (found) => numbers(found) === '101');
});

t.test('Services should serve endpoints on same port and different protocols', async () => {
  const base = await cluster.namespace('protocols');
  const ports = [
    { name: 'tcp', port: 80, protocol: 'TCP' },
    { name: 'udp', port: 80, protocol: 'UDP' },
  ];
  await cluster.post(`${base}/services`, service('both', { selector: { app: 'both' }, ports }));
  await cluster.post(`${base}/pods`, pod('p', { app: 'both' }));
  await cluster.until(
    `${base}/endpoints/both`,
    ({ subsets }) =>
      subsets?.[0]?.ports
        ?.map(({ protocol }: { protocol: string }) => protocol)
        .sort()
        .join() === 'TCP,UDP',
  );
});

t.test(
  'EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete',
  async (t) => {
    const base = await cluster.namespace('mirror');
    await cluster.post(`${base}/services`, service('custom', {}));
    const endpoints = (ip: string) => ({
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: 'custom' },
      subsets: [{ addresses: [{ ip }], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }],
    });
    await cluster.post(`${base}/endpoints`, endpoints('10.1.2.3'));
    const made = await cluster.until(
      slicesOf('mirror', 'custom'),
      (list) => addresses(list).join() === '10.1.2.3',
    );
    t.match(made.items, [
      { metadata: { ownerReferences: [{ kind: 'Endpoints' }] }, ports: [{ port: 80 }] },
    ]);
    await cluster.put(`${base}/endpoints/custom`, endpoints('10.2.3.4'));
    await cluster.until(
      slicesOf('mirror', 'custom'),
      (list) => addresses(list).join() === '10.2.3.4',
    );
    await cluster.delete(`${base}/endpoints/custom`);
    await cluster.until(slicesOf('mirror', 'custom'), ({ items }) => items?.length === 0);
  },
);
