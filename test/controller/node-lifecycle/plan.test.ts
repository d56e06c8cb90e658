import t from 'tap';
import type { Node, Pod, Taint, Toleration } from '#api/resources/types.ts';
import { evictionMs } from '#controller/node-lifecycle/eviction.ts';
import { plan } from '#controller/node-lifecycle/plan.ts';
import { aNode, aPod } from '../../support/builders.ts';

const nowMs = Date.parse('2030-01-01T00:10:00Z');
const agoMs = (seconds: number) => nowMs - seconds * 1_000;
const keys = (taints: readonly Taint[] | undefined) =>
  taints?.map(({ key, effect }) => `${key.split('/').pop()}:${effect}`);

const conditions = (node: Node, ...more: [string, string][]): Node => ({
  ...node,
  status: {
    ...node.status,
    conditions: [
      ...(node.status?.conditions ?? []),
      ...more.map(([type, status]) => ({ type, status })),
    ],
  },
});

t.test('a node that was seen lately is left alone and looked at when its grace ends', async (t) => {
  const result = plan({ node: aNode('a'), seenMs: agoMs(12), nowMs });
  t.strictSame(result, { podsNotReady: false, againMs: 38_000 });
});

t.test(
  'a silent node is unreachable: its conditions are unknown, new pods stay away, old ones leave',
  async (t) => {
    const result = plan({ node: aNode('a'), seenMs: agoMs(50), nowMs });
    t.strictSame(keys(result.taints), ['unreachable:NoSchedule', 'unreachable:NoExecute']);
    t.ok(result.podsNotReady);
    t.match(
      result.conditions?.find(({ type }) => type === 'Ready'),
      {
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
      },
    );
    t.match(
      result.conditions?.find(({ type }) => type === 'MemoryPressure'),
      { status: 'Unknown', reason: 'NodeStatusNeverUpdated' },
    );
  },
);

t.test('a lost node that is told so already is written no more', async (t) => {
  const node = aNode('a');
  const first = plan({ node, seenMs: agoMs(60), nowMs });
  const told = {
    ...node,
    spec: { taints: [...(first.taints ?? [])] },
    status: { ...node.status, conditions: [...(first.conditions ?? [])] },
  };
  t.strictSame(plan({ node: told, seenMs: agoMs(90), nowMs: nowMs + 30_000 }), {
    podsNotReady: true,
  });
});

t.test('a node that comes back loses our taints and keeps those of others', async (t) => {
  const foreign = { key: 'gpu', effect: 'NoSchedule' };
  const taints = [
    foreign,
    { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' },
  ];
  const { taints: left } = plan({
    node: aNode('a', {}, { spec: { taints } }),
    seenMs: nowMs,
    nowMs,
  });
  t.strictSame(left, [foreign]);
});

const tainting: [string, Node, string[]][] = [
  [
    'not ready',
    aNode('a', {}, { ready: 'False' }),
    ['not-ready:NoSchedule', 'not-ready:NoExecute'],
  ],
  ['cordoned', aNode('a', {}, { spec: { unschedulable: true } }), ['unschedulable:NoSchedule']],
  [
    'short of memory',
    conditions(aNode('a'), ['MemoryPressure', 'True']),
    ['memory-pressure:NoSchedule'],
  ],
  [
    'without network',
    conditions(aNode('a'), ['NetworkUnavailable', 'True']),
    ['network-unavailable:NoSchedule'],
  ],
];
for (const [what, node, expected] of tainting) {
  t.test(`a node that is ${what} is tainted`, async (t) => {
    t.strictSame(keys(plan({ node, seenMs: nowMs, nowMs }).taints), expected);
  });
}

t.test('a node that has reported nothing yet is not tainted', async (t) => {
  const { taints } = plan({ node: { ...aNode('a'), status: {} }, seenMs: nowMs, nowMs });
  t.equal(taints, undefined);
});

const bearing = (...tolerations: Toleration[]): Pod => aPod('p', { tolerations });
const since = (seconds: number): Node =>
  aNode(
    'a',
    {},
    {
      spec: {
        taints: [
          { key: 'k', effect: 'NoExecute', timeAdded: new Date(agoMs(seconds)).toISOString() },
        ],
      },
    },
  );
const evictions: [string, Pod, Node, number | undefined][] = [
  ['no taint', aPod('p'), aNode('a'), undefined],
  ['not tolerated', aPod('p'), since(5), nowMs],
  ['tolerated for ever', bearing({ key: 'k', operator: 'Exists' }), since(5), undefined],
  [
    'tolerated for a while',
    bearing({ operator: 'Exists', tolerationSeconds: 300 }),
    since(5),
    nowMs + 295_000,
  ],
  [
    'no longer tolerated',
    bearing({ operator: 'Exists', tolerationSeconds: 3 }),
    since(5),
    nowMs - 2_000,
  ],
  [
    'the shortest of several',
    bearing(
      { operator: 'Exists', tolerationSeconds: 60 },
      { key: 'k', operator: 'Exists', tolerationSeconds: 10 },
    ),
    since(0),
    nowMs + 10_000,
  ],
];
for (const [what, pod, node, expected] of evictions) {
  t.test(`eviction: ${what}`, async (t) => t.equal(evictionMs(pod, node, nowMs), expected));
}
