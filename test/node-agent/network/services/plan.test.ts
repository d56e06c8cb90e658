/** What a Service puts into a node's table, as tables; and how few slots a change of endpoints touches. */
import t from 'tap';
import type { EndpointSlice, Pod, Service } from '#api/resources/types.ts';
import { hostPortShare } from '#node-agent/network/services/host-ports.ts';
import { fillRing, fillSlots, stickySlots } from '#node-agent/network/services/pool-slots.ts';
import { type Share, serviceShare } from '#node-agent/network/services/service-plan.ts';
import { decodeElement, encodeElement } from '#node-agent/network/services/set-schema.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
const aService = (spec: object, metadata: object = {}): Service =>
  ({
    metadata: { namespace: 'default', name: 'web', ...metadata },
    spec: { type: 'ClusterIP', clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'], ports, ...spec },
  }) as unknown as Service;
const aSlice = (endpoints: object[], more: object = {}): EndpointSlice =>
  ({
    metadata: { namespace: 'default', name: 'web-1' },
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    ...more,
  }) as unknown as EndpointSlice;
const at = (ip: string, node = 'here', conditions: object = { ready: true }) => ({
  addresses: [ip],
  nodeName: node,
  conditions,
});
const here = { nodeName: 'here', zone: 'west', addresses: ['192.0.2.100'] };
const ending = { ready: false, serving: true, terminating: true };

/** A share in one line: `front>kind:endpoints`. */
function line({ fronts, nodePorts, pools }: Share): string {
  const pool = (name: string) => {
    const found = pools.find((one) => one.name === name);
    const sticky = found?.stickySeconds ? `*${found.stickySeconds}` : '';
    return `${found?.kind}${sticky}:${found?.endpoints.join(',')}`;
  };
  return [...fronts, ...nodePorts].map(([front, name]) => `${front}>${pool(name)}`).join(' | ');
}

const cases: readonly (readonly [string, Service, readonly EndpointSlice[], string])[] = [
  [
    'a cluster address leads to all ready endpoints',
    aService({}),
    [aSlice([at('10.0.0.2'), at('10.0.1.2', 'there'), at('10.0.0.3', 'here', { ready: false })])],
    '10.96.0.9 tcp 80>internal:10.0.0.2 8080,10.0.1.2 8080',
  ],
  ['no slices: nothing to lead to', aService({}), [], '10.96.0.9 tcp 80>internal:'],
  ['headless: no address', aService({ clusterIP: 'None', clusterIPs: ['None'] }), [], ''],
  ['ExternalName: only a name', aService({ type: 'ExternalName', clusterIP: '' }), [], ''],
  [
    'another proxy cares for it',
    aService({}, { labels: { 'service.kubernetes.io/service-proxy-name': 'mesh' } }),
    [aSlice([at('10.0.0.2')])],
    '',
  ],
  [
    'ending endpoints serve only when no other is ready',
    aService({}),
    [aSlice([at('10.0.0.2', 'here', ending), at('10.0.0.3')])],
    '10.96.0.9 tcp 80>internal:10.0.0.3 8080',
  ],
  [
    'all are ending',
    aService({}),
    [aSlice([at('10.0.0.2', 'here', ending)])],
    '10.96.0.9 tcp 80>internal:10.0.0.2 8080',
  ],
  [
    'a node port has its own way, behind the address of the node',
    aService({ type: 'NodePort', ports: [{ ...ports[0], nodePort: 30_080 }] }),
    [aSlice([at('10.0.1.2', 'there')])],
    '10.96.0.9 tcp 80>internal:10.0.1.2 8080 | tcp 30080>external:10.0.1.2 8080',
  ],
  [
    'externalTrafficPolicy Local: this node, the client is seen',
    aService({
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      externalIPs: ['192.0.2.1', '2001:db8::1'],
    }),
    [aSlice([at('10.0.0.2'), at('10.0.1.2', 'there')])],
    '10.96.0.9 tcp 80>internal:10.0.0.2 8080,10.0.1.2 8080 | 192.0.2.1 tcp 80>local:10.0.0.2 8080',
  ],
  [
    'internalTrafficPolicy Local',
    aService({ internalTrafficPolicy: 'Local' }),
    [aSlice([at('10.0.1.2', 'there')])],
    '10.96.0.9 tcp 80>internal:',
  ],
  [
    'a balancer that passes packets on has no address of ours',
    {
      ...aService({ type: 'LoadBalancer' }),
      status: {
        loadBalancer: { ingress: [{ ip: '192.0.2.7', ipMode: 'Proxy' }, { ip: '192.0.2.8' }] },
      },
    } as Service,
    [],
    '10.96.0.9 tcp 80>internal: | 192.0.2.8 tcp 80>external:',
  ],
  [
    'sessions stay',
    aService({ sessionAffinity: 'ClientIP' }),
    [aSlice([at('10.0.0.2')])],
    '10.96.0.9 tcp 80>internal*10800:10.0.0.2 8080',
  ],
  [
    'for how long, the Service may say',
    aService({
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
    }),
    [aSlice([at('10.0.0.2')])],
    '10.96.0.9 tcp 80>internal*60:10.0.0.2 8080',
  ],
  [
    'ports by name and protocol; an endpoint in two slices counts once',
    aService({ ports: [{ name: 'dns', port: 53, protocol: 'UDP' }] }),
    [
      aSlice([at('10.0.0.2')], { ports: [{ name: 'dns', port: 53, protocol: 'UDP' }] }),
      aSlice([at('10.0.0.2', 'here', { ready: false })], {
        ports: [{ name: 'dns', port: 53, protocol: 'UDP' }],
      }),
      aSlice([at('10.0.0.9')], { ports: [{ name: 'dns', port: 53, protocol: 'TCP' }] }),
      aSlice([at('fd00::2')], { addressType: 'IPv6' }),
    ],
    '10.96.0.9 udp 53>internal:10.0.0.2 53',
  ],
];
for (const [name, service, slices, expected] of cases) {
  t.test(name, async (t) => t.equal(line(serviceShare(service, slices, here)), expected));
}

t.test('pods and the node are led to all endpoints of a Service that is local', async (t) => {
  const inner = (more: object) => {
    const outward = { type: 'NodePort', externalTrafficPolicy: 'Local', ...more };
    const ports = [{ name: 'http', port: 80, targetPort: 8080, nodePort: 30_080 }];
    const slices = [aSlice([at('10.0.0.2'), at('10.0.1.2', 'there')])];
    const { pools } = serviceShare(aService({ ...outward, ports }), slices, here);
    const local = pools.find(({ kind }) => kind === 'local');
    const found = pools.find(({ name }) => name === local?.inner);
    return `${pools.length} ${found?.kind} ${found?.endpoints.join()}`;
  };
  t.equal(inner({}), '2 internal 10.0.0.2 8080,10.0.1.2 8080', 'the pool of the address');
  t.equal(
    inner({ internalTrafficPolicy: 'Local' }),
    '3 internal 10.0.0.2 8080,10.0.1.2 8080',
    'one of their own',
  );
});

t.test('host ports lead to the pod while it runs, never in the host’s network', async (t) => {
  const pod = (spec: object, status: object): Pod =>
    ({
      metadata: { namespace: 'default', name: 'p', uid: 'u' },
      spec: {
        containers: [
          { ports: [{ containerPort: 80, hostPort: 8080 }, { containerPort: 81 }] },
          { ports: [{ containerPort: 53, hostPort: 53, hostIP: '127.0.0.1', protocol: 'UDP' }] },
        ],
        ...spec,
      },
      status: { phase: 'Running', podIP: '10.0.0.2', ...status },
    }) as unknown as Pod;
  t.equal(
    line(hostPortShare(pod({}, {}))),
    '127.0.0.1 udp 53>local:10.0.0.2 53 | tcp 8080>local:10.0.0.2 80',
  );
  t.equal(line(hostPortShare(pod({ hostNetwork: true }, {}))), '');
  t.equal(line(hostPortShare(pod({}, { phase: 'Succeeded' }))), '');
  t.equal(line(hostPortShare(pod({}, { podIP: '' }))), '');
});

t.test(
  'slots have no gaps, hold what is wanted, and a change moves at most one other',
  async (t) => {
    const { random, seed } = seededRandom();
    t.comment(`SEED=${seed}`);
    let slots: readonly string[] = [];
    const wanted: string[] = [];
    for (let i = 0; i < 300; i++) {
      if (wanted.length > 0 && random() < 0.45)
        wanted.splice(Math.floor(random() * wanted.length), 1);
      else wanted.push(`e${i}`);
      const next = fillSlots(slots, wanted);
      t.strictSame([...next].sort(), [...wanted].sort());
      const moved = next.filter((endpoint, slot) => slots[slot] !== endpoint).length;
      t.ok(moved <= 1, `${moved} moved`);
      slots = next;
    }
  },
);

t.test('a ring is shared out evenly, and who stays keeps what it can', async (t) => {
  const three = fillRing([], ['a', 'b', 'c']);
  const count = (ring: readonly string[], name: string) =>
    ring.filter((endpoint) => endpoint === name).length;
  t.equal(three.length, stickySlots);
  t.strictSame(
    ['a', 'b', 'c'].map((name) => count(three, name)),
    [86, 85, 85],
  );
  const two = fillRing(three, ['a', 'c']);
  t.strictSame(
    ['a', 'c'].map((name) => count(two, name)),
    [128, 128],
  );
  for (const [slot, endpoint] of three.entries())
    if (endpoint !== 'b') t.equal(two[slot], endpoint, 'stays');
  t.strictSame(fillRing(two, []), []);
});

t.test('elements are the same as text and as bytes', async (t) => {
  for (const [set, key, value] of [
    ['fronts', '10.96.0.1 tcp 443', '2147483649'],
    ['nodeports', 'udp 30053', '3221225473'],
    ['sizes', '2147483649', '3'],
    ['endpoints', '2147483649 2', '10.244.0.7 65535'],
    ['itself', '10.244.0.7 10.244.0.7', ''],
    ['inner', '2684354561', '2147483649'],
    ['guards', '192.0.2.8 tcp 443', '268435457'],
    ['sources', '268435457 24 192.0.2.0', ''],
  ] as const)
    t.strictSame(decodeElement(set, encodeElement(set, key, value)), [key, value]);
});
