/** `loadBalancerSourceRanges`: what they concern and what goes into the table, and what a balancer is told. */
import t from 'tap';
import type { EndpointSlice, Service } from '#api/resources/types.ts';
import { serviceShare } from '#node-agent/network/services/service-plan.ts';
import { slice } from '../../../support/service-documents.ts';

const here = { nodeName: 'node-1', zone: '', addresses: ['192.0.2.100'] };
const balanced = (spec: object, ...ips: string[]): Service =>
  ({
    metadata: { namespace: 'default', name: 'web' },
    spec: {
      type: 'LoadBalancer',
      clusterIP: '10.96.0.9',
      externalIPs: ['198.51.100.1'],
      ports: [
        { name: 'a', port: 80, nodePort: 30_080 },
        { name: 'b', port: 53, protocol: 'UDP' },
      ],
      ...spec,
    },
    status: { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } },
  }) as unknown as Service;
const none: readonly EndpointSlice[] = [];
const guardOf = (ranges: readonly string[] | undefined, ...ips: string[]) =>
  serviceShare(balanced({ loadBalancerSourceRanges: ranges }, ...ips), none, here).guard;

t.test('every port of the addresses of the status, no other', async (t) => {
  t.strictSame(guardOf(['10.1.2.3/8', ' 203.0.113.0/24 '], '192.0.2.8'), {
    name: 'default/web/sources',
    fronts: ['192.0.2.8 tcp 80', '192.0.2.8 udp 53'],
    sources: ['24 203.0.113.0', '8 10.0.0.0'],
  });
});

t.test('where the node may come, it may by the balanced address, too', async (t) => {
  t.strictSame(guardOf(['192.0.2.0/24'], '198.51.100.8')?.sources, [
    '24 192.0.2.0',
    '32 198.51.100.8',
  ]);
});

for (const [what, ranges, ips] of [
  ['no ranges', undefined, ['192.0.2.8']],
  ['an empty list', [], ['192.0.2.8']],
  ['one that holds everybody', ['10.0.0.0/8', '0.0.0.0/0'], ['192.0.2.8']],
  ['ranges of the other family alone', ['2001:db8::/32'], ['192.0.2.8']],
  ['no balanced address', ['10.0.0.0/8'], []],
  ['a balanced address of the other family', ['10.0.0.0/8'], ['2001:db8::1']],
] as const) {
  t.test(`no guard: ${what}`, async (t) => t.equal(guardOf(ranges, ...ips), undefined));
}

t.test('a balancer is told how many endpoints are ready on this node, each once', async (t) => {
  const local = { externalTrafficPolicy: 'Local', healthCheckNodePort: 31_000 };
  const ports = [
    { name: 'a', port: 80 },
    { name: 'b', port: 53, protocol: 'UDP' },
  ];
  const places = [
    { ip: '10.0.0.2' },
    { ip: '10.0.0.3', ready: false, serving: true, terminating: true },
    { ip: '10.0.1.2', node: 'node-2' },
  ];
  const healthOf = (spec: object) =>
    serviceShare(balanced(spec), [slice('web', places, ports)], here).health;
  t.strictSame(healthOf(local), {
    namespace: 'default',
    name: 'web',
    port: 31_000,
    localEndpoints: 1,
  });
  t.equal(healthOf({ ...local, externalTrafficPolicy: 'Cluster' }), undefined);
  t.equal(healthOf({ ...local, type: 'NodePort' }), undefined);
  t.equal(healthOf({ ...local, healthCheckNodePort: 0 }), undefined);
});
