import t from 'tap';
import { nodes, pods } from '#api/resources/resource-types.ts';
import type { Node, Pod } from '#api/resources/types.ts';
import { podGarbageController } from '#controller/pod-garbage/controller.ts';
import { plan, surplus } from '#controller/pod-garbage/plan.ts';
import { aNode, aPod } from '../../support/builders.ts';
import { running } from '../../support/controllers.ts';
import { crashEverywhere } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';

const nowMs = 1_000_000;
const bound = aPod('p', { nodeName: 'a' });
const going = (pod: Pod): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, deletionTimestamp: 'now', deletionGracePeriodSeconds: 30 },
});
const silent = (taints: { key: string; effect: string }[] = []): Node =>
  aNode('a', {}, { ready: 'Unknown', spec: { taints } });
const given = [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }];

const cases: [string, Pod, Node | undefined, number, object][] = [
  ['its node is there', bound, aNode('a'), nowMs, { type: 'nothing' }],
  ['its node has just gone', bound, undefined, nowMs, { type: 'look', afterMs: 40_000 }],
  [
    'its node is gone',
    bound,
    undefined,
    nowMs - 40_000,
    { message: 'PodGC: node no longer exists' },
  ],
  ['it waits for a node', aPod('p'), undefined, 0, { type: 'nothing' }],
  ['it goes and never had a node', going(aPod('p')), undefined, 0, { type: 'delete' }],
  ['it goes on a silent node', going(bound), silent(), nowMs, { type: 'nothing' }],
  [
    'it goes on a node that was given up',
    going(bound),
    silent(given),
    nowMs,
    { message: /out of service/ },
  ],
  ['it stays on a node that was given up', bound, silent(given), nowMs, { type: 'nothing' }],
];
for (const [name, pod, node, missingSinceMs, expected] of cases) {
  t.test(`a pod: ${name}`, async (t) =>
    t.match(plan({ pod, node, missingSinceMs, nowMs }), expected),
  );
}

t.test('of too many that have ended the evicted go first, then the oldest', async (t) => {
  const ended = (name: string, creationTimestamp: string, status: object): Pod =>
    ({ ...aPod(name), metadata: { name, creationTimestamp }, status }) as Pod;
  const all = [
    ended('new', '2030-03-01T00:00:00Z', { phase: 'Succeeded' }),
    ended('old', '2030-01-01T00:00:00Z', { phase: 'Failed' }),
    ended('evicted', '2030-04-01T00:00:00Z', { phase: 'Failed', reason: 'Evicted' }),
    aPod('alive'),
  ];
  const names = (most: number) => surplus(all, most).map(({ metadata }) => metadata.name);
  t.strictSame([names(3), names(1), names(0)], [[], ['evicted', 'old'], ['evicted', 'old', 'new']]);
});

t.test('pods of a node that is gone are told and go, others stay', async (t) => {
  const { api, start, settle } = running(podGarbageController);
  api.seed(nodes, aNode('a'), aNode('b'));
  api.seed(pods, bound, aPod('q', { nodeName: 'b' }), aPod('r'));
  const told: unknown[] = [];
  const patch = api.collection;
  api.collection = (type) => {
    const inner = patch(type);
    const own = inner.patchStatus.bind(inner);
    inner.patchStatus = async (...args) => {
      told.push(args[1]);
      return own(...args);
    };
    return inner as never;
  };
  start();
  await settle(60_000);
  t.equal(api.store.all(pods).length, 3);
  api.store.remove(nodes, aNode('a'));
  await settle(30_000);
  t.equal(api.store.all(pods).length, 3, 'it may come back');
  await settle(15_000);
  t.strictSame(
    api.store.all(pods).map(({ metadata }) => metadata.name),
    ['q', 'r'],
  );
  t.match(told, [
    {
      status: {
        phase: 'Failed',
        conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC' }],
      },
    },
  ]);
});

t.test('a node that comes back in time keeps its pods', async (t) => {
  const { api, start, settle } = running(podGarbageController);
  api.seed(nodes, aNode('a'));
  api.seed(pods, bound);
  start();
  await settle();
  api.store.remove(nodes, aNode('a'));
  await settle(20_000);
  api.seed(nodes, aNode('a'));
  await settle(120_000);
  t.equal(api.store.all(pods).length, 1);
});

t.test('a crash between any two writes changes nothing in the end', async (t) => {
  const scenario = {
    controllers: [podGarbageController],
    steps: [
      (api: MemoryApi) => api.seed(nodes, silent(given)),
      (api: MemoryApi) => api.seed(pods, going(aPod('q')), going(bound), aPod('stays')),
    ],
    picture: (api: MemoryApi) => api.store.all(pods).map(({ metadata }) => metadata.name),
  };
  const writes = await crashEverywhere(scenario, (result, undisturbed, crash) =>
    t.strictSame(result, undisturbed, crash),
  );
  t.ok(writes >= 3, `${writes} writes`);
});
