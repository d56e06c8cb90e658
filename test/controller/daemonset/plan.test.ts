import t from 'tap';
import type { ControllerRevision, DaemonSet, Node, Pod } from '#api/resources/types.ts';
import { type Plan, plan } from '#controller/daemonset/plan.ts';
import { hashOf } from '#controller/daemonset/pod.ts';
import { aNode } from '../../support/builders.ts';
import { aDaemonSet, imaged, namesOf, owned } from '../../support/workload-builders.ts';

const nowMs = Date.parse('2030-01-01T01:00:00Z');
const aSet = (spec = {}, podSpec = {}): DaemonSet => {
  const set = aDaemonSet('web', spec, podSpec);
  return { ...set, metadata: { ...set.metadata, uid: 'uid-web', generation: 1 } };
};

interface Given {
  readonly nodes?: readonly Node[];
  readonly pods?: readonly Pod[];
  readonly revisions?: readonly ControllerRevision[];
  readonly waitMs?: number;
}

const three = ['a', 'b', 'c'].map((name) => aNode(name));

const look = (set: DaemonSet, given: Given = {}): Plan =>
  plan({
    set,
    nodes: given.nodes ?? three,
    pods: given.pods ?? [],
    revisions: given.revisions ?? [],
    backoffMs: () => given.waitMs ?? 0,
    nowMs,
  });
const revisionOf = (set: DaemonSet): ControllerRevision => look(set).history.update;

/** `a` a pod on node a; `!` not ready, `x` being deleted, `f` failed, `~` of the old revision; `a2` a second one. */
function podsOf(set: DaemonSet, text: string): Pod[] {
  const old = imaged(set, 'old');
  return text
    .split(' ')
    .filter(Boolean)
    .map((word, i) => {
      const hash = hashOf(revisionOf(word.includes('~') ? old : set));
      const pod = owned(set, word.replace(/[^a-z0-9]|[xf]$/g, ''), {
        phase: word.includes('f') ? 'Failed' : 'Running',
        ready: !/[!f]/.test(word),
        node: word[0] ?? '',
        labels: { 'controller-revision-hash': hash },
      });
      pod.metadata.creationTimestamp = `2030-01-01T00:00:0${i}Z`;
      if (word.includes('x')) pod.metadata.deletionTimestamp = '2030-01-01T00:59:59Z';
      return pod;
    });
}

const nodesOf = (pods: readonly Pod[]): (string | undefined)[] =>
  pods.map(
    ({ spec }) =>
      spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
        ?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0],
  );

const rolling = (maxUnavailable: number | string, maxSurge: number | string = 0) => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge } },
});

/** [what, spec, pods there, nodes that get one, pods that go] */
const cases: [string, object, string, string[], string[]][] = [
  ['each node gets one', {}, '', ['a', 'b', 'c'], []],
  ['a node with one gets none', {}, 'a b!', ['c'], []],
  ['a node gets the next when the old one has gone', {}, 'a bx c', [], []],
  ['of two the younger goes', {}, 'a a2 b c', [], ['a2']],
  ['a failed one goes', {}, 'a bf c', [], ['b']],
  ['OnDelete updates nothing', { updateStrategy: { type: 'OnDelete' } }, 'a~ b~ c~', [], []],
  ['an update takes one', rolling(1), 'a~ b~ c~', [], ['a']],
  ['and waits until the node has its new one', rolling(1), 'ax b~ c~', [], []],
  ['and until that is ready', rolling(1), 'a! b~ c~', [], []],
  ['then goes on', rolling(1), 'a b~ c~', [], ['b']],
  ['several may be away', rolling(2), 'a~ b~ c~', [], ['a', 'b']],
  ['a share rounds up', rolling('34%'), 'a~ b~ c~', [], ['a', 'b']],
  ['what does not work is replaced at once', rolling(1), 'a~! b~! c~', [], ['a', 'b', 'c']],
  ['a surge makes the new one first', rolling(0, 1), 'a~ b~ c~', ['a'], []],
  ['and keeps the old until it is ready', rolling(0, 1), 'a~ a2! b~ c~', [], []],
  ['then the old one goes', rolling(0, 1), 'a~ a2 b~ c~', [], ['a']],
  ['and the next node follows', rolling(0, 1), 'a b~ c~', ['b'], []],
  ['an old one that is not ready is not kept', rolling(0, 1), 'a~! a2! b~ c~', [], ['a']],
  [
    'a surge does not count nodes whose pod does not work',
    rolling(0, 1),
    'a~! b~ c~',
    ['a', 'b'],
    [],
  ],
];

for (const [what, spec, pods, createOn, remove] of cases) {
  t.test(what, async (t) => {
    const set = aSet(spec);
    const revisions = [revisionOf(imaged(set, 'old')), { ...revisionOf(set), revision: 2 }];
    const result = look(set, { pods: podsOf(set, pods), revisions });
    t.strictSame(
      { createOn: nodesOf(result.create), remove: namesOf(result.remove) },
      { createOn, remove },
    );
  });
}

t.test('a failed pod waits for its back-off', async (t) => {
  const set = aSet();
  const { remove, againMs } = look(set, { pods: podsOf(set, 'a bf c'), waitMs: 700 });
  t.strictSame([remove.length, againMs], [0, 700]);
});

t.test(
  'a pod is bound to its node by its own affinity and tolerates what daemons do',
  async (t) => {
    const affinity = {
      podAntiAffinity: {},
      nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] },
    };
    const [pod] = look(aSet({}, { affinity }), { nodes: [aNode('a')] }).create;
    t.strictSame(pod?.spec?.affinity, {
      ...affinity,
      nodeAffinity: {
        ...affinity.nodeAffinity,
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] },
          ],
        },
      },
    });
    t.strictSame(
      pod?.spec?.tolerations?.map(({ key, effect }) => `${key?.split('/')[1]}:${effect}`),
      [
        'not-ready:NoExecute',
        'unreachable:NoExecute',
        'disk-pressure:NoSchedule',
        'memory-pressure:NoSchedule',
        'pid-pressure:NoSchedule',
        'unschedulable:NoSchedule',
      ],
    );
    t.match(pod?.metadata.labels?.['controller-revision-hash'], /^[a-z0-9]{10}$/);
  },
);

const tainted = (name: string, key: string, effect: string) =>
  aNode(name, {}, { spec: { taints: [{ key, effect }] } });

/** [what, node, pod spec, a pod is made, a pod that is there stays] */
const fits: [string, Node, object, boolean, boolean][] = [
  [
    'a cordoned node has daemons',
    tainted('a', 'node.kubernetes.io/unschedulable', 'NoSchedule'),
    {},
    true,
    true,
  ],
  [
    'so has one that is lost',
    tainted('a', 'node.kubernetes.io/unreachable', 'NoExecute'),
    {},
    true,
    true,
  ],
  ['a taint keeps new ones away', tainted('a', 'gpu', 'NoSchedule'), {}, false, true],
  ['a NoExecute taint drives them away', tainted('a', 'gpu', 'NoExecute'), {}, false, false],
  ['a preference does neither', tainted('a', 'gpu', 'PreferNoSchedule'), {}, true, true],
  [
    'a toleration lets them in',
    tainted('a', 'gpu', 'NoExecute'),
    { tolerations: [{ operator: 'Exists' }] },
    true,
    true,
  ],
  [
    'the network is needed before there is one',
    tainted('a', 'node.kubernetes.io/network-unavailable', 'NoSchedule'),
    { hostNetwork: true },
    true,
    true,
  ],
  [
    'labels select nodes',
    aNode('a', {}, { labels: { disk: 'ssd' } }),
    { nodeSelector: { disk: 'ssd' } },
    true,
    true,
  ],
  ['and no others', aNode('a'), { nodeSelector: { disk: 'ssd' } }, false, false],
  ['a name selects one', aNode('a'), { nodeName: 'b' }, false, false],
];

for (const [what, node, podSpec, made, stays] of fits) {
  t.test(`fit: ${what}`, async (t) => {
    const set = aSet({}, podSpec);
    const revisions = [revisionOf(set)];
    t.equal(look(set, { nodes: [node], revisions }).create.length, made ? 1 : 0);
    const there = look(set, { nodes: [node], pods: podsOf(set, 'a'), revisions });
    t.equal(there.remove.length, stays ? 0 : 1);
    t.match(there.status, {
      desiredNumberScheduled: made ? 1 : 0,
      numberMisscheduled: made ? 0 : 1,
    });
  });
}

t.test('a pod meant for a node that is gone does not wait for ever', async (t) => {
  const set = aSet();
  const [pod] = look(set, { nodes: [aNode('gone')] }).create as [Pod];
  t.strictSame(namesOf(look(set, { pods: [pod], nodes: [] }).remove), [pod.metadata.name]);
});

t.test('the status counts nodes', async (t) => {
  const set = aSet({ minReadySeconds: 10 });
  const pods = [...podsOf(set, 'a~ b!'), ...podsOf(set, 'd')];
  const nodes = [...three, tainted('d', 'gpu', 'NoSchedule')];
  t.strictSame(look(set, { pods, nodes, revisions: [revisionOf(set)] }).status, {
    currentNumberScheduled: 2,
    numberMisscheduled: 1,
    desiredNumberScheduled: 3,
    numberReady: 1,
    observedGeneration: 1,
    updatedNumberScheduled: 1,
    numberAvailable: 1,
    numberUnavailable: 2,
  });
});
