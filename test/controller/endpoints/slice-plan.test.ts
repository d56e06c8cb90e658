import t from 'tap';
import type { EndpointSlice, Pod, Service } from '#api/resources/types.ts';
import { plan } from '#controller/endpoints/service-slices.ts';
import type { SlicePlan } from '#controller/endpoints/slice-plan.ts';
import { aRunningPod, aService } from '../../support/builders.ts';

const zoneOf = (node: string) => (node === 'a' ? 'west' : undefined);
const web = (i: number, more = {}) => aRunningPod(`web-${i}`, 'web', `10.244.0.${i}`, more);
const many = (count: number, from = 0) => [...Array(count).keys()].map((i) => web(from + i));

const planned = (service: Service, pods: Pod[], slices: readonly EndpointSlice[] = []) =>
  plan({ service, pods, slices, zoneOf });

/** The slices after the plan was done, with versions as a server gives them. */
function after(done: SlicePlan, held: readonly EndpointSlice[] = []): EndpointSlice[] {
  const touched = new Set([...done.update, ...done.remove].map(({ metadata }) => metadata.name));
  const all = [
    ...held.filter(({ metadata }) => !touched.has(metadata.name)),
    ...done.update,
    ...done.create,
  ];
  return structuredClone(all);
}

const addresses = (slices: readonly EndpointSlice[]) =>
  slices.flatMap(({ endpoints = [] }) => endpoints.flatMap((one) => one.addresses)).sort();

t.test('a slice says all about its endpoints', async (t) => {
  const { create } = planned(aService('web'), [web(1)]);
  t.match(create, [
    {
      metadata: {
        name: /^web-[a-z0-9]{5}$/,
        generateName: 'web-',
        namespace: 'default',
        labels: {
          team: 'a',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        ownerReferences: [{ kind: 'Service', name: 'web', uid: 'uid-web', controller: true }],
      },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: [
        {
          addresses: ['10.244.0.1'],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: 'a',
          zone: 'west',
          targetRef: { kind: 'Pod', namespace: 'default', name: 'web-1', uid: 'uid-web-1' },
        },
      ],
    },
  ]);
  t.equal(create.length, 1);
});

const notReady = { status: { conditions: [{ type: 'Ready', status: 'False' }] } };
const leaving = { metadata: { name: 'web-1', deletionTimestamp: '2030-01-01T00:00:00Z' } };
const always = { publishNotReadyAddresses: true };

const conditions: [string, object, Partial<Service['spec']>, object][] = [
  ['ready', {}, {}, { ready: true, serving: true, terminating: false }],
  ['not ready', notReady, {}, { ready: false, serving: false, terminating: false }],
  ['going', leaving, {}, { ready: false, serving: true, terminating: true }],
  [
    'going and not ready',
    { ...leaving, ...notReady },
    {},
    { ready: false, serving: false, terminating: true },
  ],
  ['not ready, told all the same', notReady, always, { ready: true, serving: false }],
  ['going, told all the same', leaving, always, { ready: true, terminating: true }],
];
for (const [name, more, spec, expected] of conditions) {
  t.test(`conditions of a pod that is ${name}`, async (t) => {
    const { create } = planned(aService('web', spec), [web(1, more)]);
    t.match(create[0]?.endpoints?.[0]?.conditions, expected);
  });
}

const absent: [string, object][] = [
  ['has failed', { status: { phase: 'Failed' } }],
  ['has ended well', { status: { phase: 'Succeeded' } }],
  ['has no address', { status: { podIP: '', podIPs: [] } }],
  ['has no address of the family', { status: { podIP: 'fd00::1', podIPs: [{ ip: 'fd00::1' }] } }],
];
for (const [name, more] of absent) {
  t.test(`a pod that ${name} is no endpoint; one empty slice tells so`, async (t) => {
    const { create } = planned(aService('web'), [web(1, more)]);
    t.match(create, [{ endpoints: [], ports: [] }]);
  });
}

t.test('a headless service names its pods and says that it is one', async (t) => {
  const service = aService('db', { clusterIP: 'None', ports: [] });
  const named = { spec: { hostname: 'db-0', subdomain: 'db' } };
  const other = { spec: { hostname: 'db-1', subdomain: 'elsewhere' } };
  const pods = [
    aRunningPod('db-0', 'db', '10.244.0.1', named as Partial<Pod>),
    aRunningPod('db-1', 'db', '10.244.0.2', other as Partial<Pod>),
  ];
  const { create } = planned(service, pods);
  t.equal(create[0]?.metadata.labels?.['service.kubernetes.io/headless'], '');
  t.strictSame(
    create[0]?.endpoints?.map(({ hostname }) => hostname),
    ['db-0', undefined],
  );
  t.strictSame(create[0]?.ports, []);
});

t.test('a named port is each pod’s own: other numbers make another slice', async (t) => {
  const service = aService('web', {
    ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }],
  });
  const listening = (number: number) => ({
    spec: {
      containers: [{ name: 'c', ports: [{ name: 'http', containerPort: number }] }],
    },
  });
  const sidecar = {
    spec: {
      containers: [{ name: 'c' }],
      initContainers: [
        { name: 's', restartPolicy: 'Always', ports: [{ name: 'http', containerPort: 90 }] },
      ],
    },
  };
  const pods = [
    web(1, listening(80)),
    web(2, listening(81)),
    web(3, listening(80)),
    web(4),
    web(5, sidecar),
  ];
  const { create } = planned(service, pods);
  t.strictSame(
    create.map(({ ports, endpoints }) => [ports?.[0]?.port, addresses([{ endpoints } as never])]),
    [
      [80, ['10.244.0.1', '10.244.0.3']],
      [81, ['10.244.0.2']],
      [undefined, ['10.244.0.4']],
      [90, ['10.244.0.5']],
    ],
  );
});

t.test('two families are told in slices of their own', async (t) => {
  const service = aService('web', { ipFamilies: ['IPv6', 'IPv4'] });
  const ips = { status: { podIPs: [{ ip: '10.244.0.1' }, { ip: 'fd00::1' }] } };
  const { create } = planned(service, [web(1, ips)]);
  t.strictSame(
    create.map((slice) => [slice.addressType, addresses([slice])]),
    [
      ['IPv6', ['fd00::1']],
      ['IPv4', ['10.244.0.1']],
    ],
  );
});

t.test('a slice holds a hundred; what is as it should be is not written', async (t) => {
  const pods = many(250, 1);
  const first = planned(aService('web'), pods);
  t.strictSame(
    first.create.map(({ endpoints = [] }) => endpoints.length),
    [100, 100, 50],
  );
  t.equal(new Set(first.create.map(({ metadata }) => metadata.name)).size, 3);
  const again = planned(aService('web'), pods, after(first));
  t.strictSame(again, { create: [], update: [], remove: [] });
});

t.test('one pod more, less or changed writes one slice', async (t) => {
  const service = aService('web');
  const pods = many(250, 1);
  const held = after(planned(service, pods));
  const more = planned(service, [...pods, web(251)], held);
  t.strictSame([more.create.length, more.update.length, more.remove.length], [0, 1, 0]);
  const less = planned(service, pods.slice(1), held);
  t.strictSame([less.create.length, less.update.length, less.remove.length], [0, 1, 0]);
  const changed = planned(service, [web(1, notReady), ...pods.slice(1)], held);
  t.strictSame([changed.create.length, changed.update.length], [0, 1]);
  const replaced = planned(service, [web(251), ...pods.slice(1)], held);
  t.strictSame([replaced.create.length, replaced.update.length], [0, 1]);
  t.equal(addresses(after(replaced, held)).length, 250);
});

t.test(
  'the last pod gone leaves one empty slice; a label of the service is told by all',
  async (t) => {
    const service = aService('web');
    const held = after(planned(service, many(150, 1)));
    const none = after(planned(service, [], held), held);
    t.match(none, [{ endpoints: [] }]);
    t.equal(none.length, 1);
    t.strictSame(planned(service, [], none), { create: [], update: [], remove: [] });
    service.metadata.labels = { team: 'b' };
    const { update } = planned(service, many(150, 1), held);
    t.equal(update.length, 2);
    t.ok(update.every(({ metadata }) => metadata.labels?.['team'] === 'b'));
  },
);

t.test('whatever happens, the slices tell exactly the pods that serve', async (t) => {
  const service = aService('web');
  let held: EndpointSlice[] = [];
  let seed = Number(process.env['SEED'] ?? 7);
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  const alive = new Set<number>();
  for (let round = 0; round < 60; round += 1) {
    for (let i = 0; i < 40; i += 1) {
      const number = random(400);
      if (!alive.delete(number)) alive.add(number);
    }
    const pods = [...alive].map((i) => web(i));
    held = after(planned(service, pods, held), held);
    t.strictSame(addresses(held), pods.map(({ status }) => status?.podIP).sort());
    t.ok(held.every(({ endpoints = [] }) => endpoints.length <= 100));
    t.equal(new Set(held.map(({ metadata }) => metadata.name)).size, held.length);
  }
});
