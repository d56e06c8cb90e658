import t from 'tap';
import type { Endpoints, Service } from '#api/resources/types.ts';
import { isMirrored, mirrorPlan } from '#controller/endpoints/mirror.ts';
import { subsetsOf, wantedEndpoints } from '#controller/endpoints/subsets.ts';
import { aRunningPod, aService } from '../../support/builders.ts';

const pod = (i: number, more = {}) => aRunningPod(`web-${i}`, 'web', `10.244.0.${i}`, more);
const notReady = { status: { conditions: [{ type: 'Ready', status: 'False' }] } };
const leaving = { metadata: { name: 'web-3', deletionTimestamp: '2030-01-01T00:00:00Z' } };
const port = { name: 'http', port: 8080, protocol: 'TCP' };
const ips = (list: readonly { ip: string }[] = []) => list.map(({ ip }) => ip);

t.test('ready and other addresses are told apart; who is going is not told', async (t) => {
  const subsets = subsetsOf(aService('web'), [pod(2), pod(1), pod(4, notReady), pod(3, leaving)]);
  t.match(subsets, [{ ports: [port] }]);
  t.strictSame(ips(subsets[0]?.addresses), ['10.244.0.1', '10.244.0.2']);
  t.strictSame(ips(subsets[0]?.notReadyAddresses), ['10.244.0.4']);
  t.match(subsets[0]?.addresses?.[0], {
    nodeName: 'a',
    targetRef: { kind: 'Pod', name: 'web-1', namespace: 'default', uid: 'uid-web-1' },
  });
});

t.test('a service that wants them all has them all ready', async (t) => {
  const service = aService('web', { publishNotReadyAddresses: true });
  const subsets = subsetsOf(service, [pod(1), pod(2, notReady), pod(3, leaving)]);
  t.strictSame(ips(subsets[0]?.addresses), ['10.244.0.1', '10.244.0.2', '10.244.0.3']);
});

t.test(
  'other numbers of a named port make another subset; a pod without it is left out',
  async (t) => {
    const named = [{ port: 80, targetPort: 'http', protocol: 'TCP' }];
    const on = (containerPort: number) => ({
      spec: { containers: [{ name: 'c', ports: [{ name: 'http', containerPort }] }] },
    });
    const service = aService('web', { ports: named });
    const subsets = subsetsOf(service, [pod(1, on(80)), pod(2, on(81)), pod(3)]);
    t.strictSame(
      subsets.map(({ ports, addresses }) => [ports, ips(addresses)]),
      [
        [[{ port: 80, protocol: 'TCP' }], ['10.244.0.1']],
        [[{ port: 81, protocol: 'TCP' }], ['10.244.0.2']],
      ],
    );
  },
);

t.test('a headless service without ports has addresses all the same', async (t) => {
  const service = aService('web', { clusterIP: 'None', ports: [] });
  t.match(wantedEndpoints(service, [pod(1)], undefined), {
    metadata: {
      name: 'web',
      namespace: 'default',
      labels: { team: 'a', 'service.kubernetes.io/headless': '' },
    },
    subsets: [{ addresses: [{ ip: '10.244.0.1' }] }],
  });
});

t.test('over a thousand addresses the rest is cut off, and that is told', async (t) => {
  const all = [...Array(1_200).keys()].map((i) =>
    aRunningPod(`web-${i}`, 'web', `10.1.${i >> 8}.${i & 255}`, i < 300 ? notReady : {}),
  );
  const wanted = wantedEndpoints(aService('web'), all, undefined);
  t.equal(wanted.metadata.annotations?.['endpoints.kubernetes.io/over-capacity'], 'truncated');
  t.equal(wanted.subsets?.[0]?.addresses?.length, 900);
  t.equal(wanted.subsets?.[0]?.notReadyAddresses?.length, 100);
  const fewer = wantedEndpoints(aService('web'), all.slice(0, 10), wanted);
  t.equal(fewer.metadata.annotations, undefined);
});

const handMade = (more: Partial<Endpoints['metadata']> = {}): Endpoints => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: {
    name: 'db',
    namespace: 'default',
    uid: 'uid-db',
    labels: { tier: 'data' },
    annotations: { note: 'x', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
    ...more,
  },
  subsets: [
    {
      addresses: [{ ip: '192.0.2.1', hostname: 'one' }, { ip: '2001:db8::1' }],
      notReadyAddresses: [{ ip: '192.0.2.2' }],
      ports: [{ port: 5432 }],
    },
    { addresses: [{ ip: '192.0.2.3' }], ports: [{ port: 5432 }] },
  ],
});

t.test('hand-made endpoints are mirrored, families and readiness apart', async (t) => {
  const { create } = mirrorPlan(handMade(), []);
  t.match(create, [
    {
      addressType: 'IPv4',
      ports: [{ name: '', port: 5432, protocol: 'TCP' }],
      endpoints: [
        { addresses: ['192.0.2.1'], conditions: { ready: true }, hostname: 'one' },
        { addresses: ['192.0.2.2'], conditions: { ready: false } },
        { addresses: ['192.0.2.3'], conditions: { ready: true } },
      ],
    },
    { addressType: 'IPv6', endpoints: [{ addresses: ['2001:db8::1'] }] },
  ]);
  const { metadata } = create[0] as NonNullable<(typeof create)[0]>;
  t.strictSame(metadata.labels, {
    tier: 'data',
    'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
    'kubernetes.io/service-name': 'db',
  });
  t.strictSame(metadata.annotations, { note: 'x' });
  t.match(metadata.ownerReferences, [{ kind: 'Endpoints', name: 'db', uid: 'uid-db' }]);
  t.strictSame(mirrorPlan(handMade(), create), { create: [], update: [], remove: [] });
});

const bare = aService('db', { selector: {} });
const leader = { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } };
const mirrored: [string, Endpoints, Service | undefined, boolean][] = [
  ['of a service without a selector', handMade(), bare, true],
  ['of a service that selects', handMade(), aService('db'), false],
  ['without a service', handMade(), undefined, false],
  [
    'of a name elsewhere',
    handMade(),
    aService('db', { type: 'ExternalName', selector: {} }),
    false,
  ],
  [
    'that say so themselves',
    handMade({ labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }),
    bare,
    false,
  ],
  ['that are a lock', handMade(leader), bare, false],
];
for (const [name, endpoints, service, expected] of mirrored) {
  t.test(`endpoints ${name} are ${expected ? '' : 'not '}mirrored`, async (t) =>
    t.equal(isMirrored(endpoints, service), expected),
  );
}
