/** Endpoints objects as the profile sees them: real API server, real controller, played node. */
import t from 'tap';
import { endpointsObjectController } from '#controller/endpoints/controller.ts';
import { startPlayedApi } from './played-api.ts';

const cluster = await startPlayedApi([endpointsObjectController]);
t.teardown(() => cluster.close());

const service = (name: string, selector: object, targetPort: number | string = 80) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector, ports: [{ name: 'example', port: 80, targetPort, protocol: 'TCP' }] },
});
const pod = (name: string, labels: object) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
  spec: {
    nodeName: 'n1',
    containers: [
      {
        name: 'main',
        image: 'busybox',
        ports: [{ name: 'example-name', containerPort: 3000, protocol: 'TCP' }],
      },
    ],
  },
});

t.test(
  'EndpointsController should create and delete Endpoints for a Service with a selector that matches no pods',
  async (t) => {
    const base = await cluster.namespace('empty');
    const path = `${base}/endpoints/example`;
    await cluster.post(`${base}/services`, service('example', { does: 'not-match' }));
    const endpoints = await cluster.until(path, (_, status) => status === 200);
    t.equal(endpoints.subsets, undefined);
    await cluster.delete(`${base}/services/example`);
    await cluster.until(path, (_, status) => status === 404);
  },
);

t.test('EndpointsController should create Endpoints for Pods matching a Service', async (t) => {
  const base = await cluster.namespace('matching');
  const ips: string[] = [];
  for (const number of ['1', '2']) {
    await cluster.post(`${base}/pods`, pod(`pod${number}`, { foo: 'bar', number }));
    const { status } = await cluster.until(`${base}/pods/pod${number}`, (one) => one.status?.podIP);
    ips.push(status.podIP);
  }
  await cluster.post(`${base}/services`, service('int-port', { number: '1' }, 3001));
  await cluster.post(`${base}/services`, service('name-port', { foo: 'bar' }, 'example-name'));
  const one = await cluster.until(`${base}/endpoints/int-port`, ({ subsets }) => subsets);
  t.match(one.subsets, [
    { addresses: [{ ip: ips[0], targetRef: { name: 'pod1' } }], ports: [{ port: 3001 }] },
  ]);
  const both = await cluster.until(
    `${base}/endpoints/name-port`,
    ({ subsets }) => subsets?.[0]?.addresses?.length === 2,
  );
  t.match(both.subsets, [{ ports: [{ name: 'example', port: 3000, protocol: 'TCP' }] }]);
  const addresses = both.subsets[0].addresses.map(({ ip }: { ip: string }) => ip);
  t.strictSame(addresses.sort(), ips.sort());
});

t.test('Service endpoints latency should not be very high', async (t) => {
  const base = await cluster.namespace('latency');
  await cluster.post(`${base}/pods`, pod('svc-latency-rc', { name: 'svc-latency-rc' }));
  const { status } = await cluster.until(
    `${base}/pods/svc-latency-rc`,
    (one) => one.status?.podIP && one.status.phase === 'Running',
  );
  const names = Array.from({ length: 200 }, (_, number) => `latency-svc-${number}`);
  for (let from = 0; from < names.length; from += 10) {
    const some = names.slice(from, from + 10);
    const selector = { name: 'svc-latency-rc' };
    await Promise.all(
      some.map((name) => cluster.post(`${base}/services`, service(name, selector))),
    );
  }
  const { items } = await cluster.until(
    `${base}/endpoints`,
    (list) =>
      list.items.filter(({ subsets }: { subsets?: object[] }) => subsets !== undefined).length ===
      names.length,
  );
  const addresses = items.map(
    ({ subsets }: { subsets: { addresses: { ip: string }[] }[] }) => subsets[0]?.addresses[0]?.ip,
  );
  t.strictSame([...new Set(addresses)], [status.podIP]);
});
