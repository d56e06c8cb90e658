/** Even spreading, as a table. */
import t from 'tap';
import type { Node, Pod, PodSpec } from '#api/resources/types.ts';
import { plan } from '#controller/scheduler/plan.ts';
import { Usage } from '#controller/scheduler/usage.ts';
import { aNode, aPod } from '../../support/builders.ts';

const zone = 'topology.kubernetes.io/zone';
const inZone = (name: string, where: string) => aNode(name, {}, { labels: { [zone]: where } });
const nodes = [inZone('a1', 'a'), inZone('a2', 'a'), inZone('b1', 'b'), aNode('nowhere')];

let uids = 0;
const pod = (app: string, spec: Partial<PodSpec> = {}, more = {}): Pod => {
  uids += 1;
  const made = aPod(`${app}-${uids}`, spec, { app, ...more });
  return { ...made, metadata: { ...made.metadata, uid: `uid-${uids}` } };
};

const host = 'kubernetes.io/hostname';

const placed = (one: Pod, there: readonly [Pod, string][], all: readonly Node[]) => {
  const usage = new Usage();
  for (const [other, node] of there) usage.assume(other, node);
  const placement = plan(one, all, usage);
  return placement.type === 'bind' ? placement.node : placement.message;
};

const spread = (topologyKey: string, more = {}) => ({
  topologySpreadConstraints: [
    {
      topologyKey,
      maxSkew: 1,
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'web' } },
      ...more,
    },
  ],
});
const web = (spec = {}, more = {}) => pod('web', spec, more);
const zoned = nodes.slice(0, 3);

const spreads: [string, Pod, [Pod, string][], readonly Node[], string | RegExp][] = [
  ['into the emptier zone', web(spread(zone)), [[web(), 'a1']], zoned, 'b1'],
  [
    'within the skew',
    web({ ...spread(zone, { maxSkew: 2 }), nodeSelector: {} }),
    [[web(), 'b1']],
    zoned,
    'a1',
  ],
  [
    'no zone left that is even',
    web({ ...spread(zone, { nodeAffinityPolicy: 'Ignore' }), nodeSelector: { [zone]: 'a' } }),
    [[web(), 'a1']],
    zoned,
    /2 node\(s\) didn't match pod topology spread constraints/,
  ],
  [
    'only zones where it may go count',
    web({ ...spread(zone), nodeSelector: { [zone]: 'a' } }),
    [[web(), 'a1']],
    zoned,
    'a2',
  ],
  [
    'too few zones',
    web(spread(zone, { minDomains: 3 })),
    [
      [web(), 'a1'],
      [web(), 'b1'],
    ],
    zoned,
    /3 node\(s\) didn't match pod topology spread constraints\./,
  ],
  [
    'a node without the label',
    web(spread(zone)),
    [],
    nodes.slice(3),
    /1 node\(s\) didn't match pod topology spread constraints \(missing required label\)/,
  ],
  [
    'a pod that is going does not count',
    web(spread(zone)),
    [
      [{ ...web(), metadata: { ...web().metadata, deletionTimestamp: 'now' } }, 'a1'],
      [web(), 'b1'],
    ],
    zoned,
    'a2',
  ],
  [
    'its own version counts',
    web(spread(host, { matchLabelKeys: ['version'] }), { version: '2' }),
    [
      [web({}, { version: '1' }), 'a1'],
      [web({}, { version: '2' }), 'a2'],
      [web({}, { version: '2' }), 'b1'],
    ],
    zoned,
    'a1',
  ],
  [
    'rather even',
    web(spread(zone, { whenUnsatisfiable: 'ScheduleAnyway' })),
    [[web(), 'a1']],
    zoned,
    'b1',
  ],
];
for (const [name, one, there, all, expected] of spreads) {
  t.test(`spreading: ${name}`, async (t) => {
    const found = placed(one, there, all);
    if (typeof expected === 'string') t.equal(found, expected);
    else t.match(found, expected);
  });
}

t.test('replicas of one controller go to different nodes, though one has less room', async (t) => {
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name: 'w',
    uid: 'w',
    controller: true,
  };
  const owned = (one: Pod): Pod => ({
    ...one,
    metadata: { ...one.metadata, ownerReferences: [owner] },
  });
  const all = [aNode('big', { cpu: '8' }), aNode('small')];
  t.equal(
    placed(
      owned(web()),
      [
        [owned(web()), 'big'],
        [pod('x'), 'small'],
      ],
      all,
    ),
    'small',
  );
});
