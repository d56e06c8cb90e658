import t from 'tap';
import {
  controllerRevisions,
  daemonSets,
  events,
  nodes,
  pods,
} from '#api/resources/resource-types.ts';
import type { ControllerRevision, DaemonSet, Event, Node, Pod } from '#api/resources/types.ts';
import { daemonSetController } from '#controller/daemonset/controller.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { aNode } from '../../support/builders.ts';
import { playAgent, running } from '../../support/controllers.ts';
import { crashEverywhere } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';
import { aDaemonSet, imagePatch } from '../../support/workload-builders.ts';

const web = { name: 'web', namespace: 'default' };
const sets = (api: MemoryApi) => api.collection<DaemonSet>(daemonSets);
const podList = (api: MemoryApi) => api.store.all(pods) as Pod[];
const placed = (api: MemoryApi) =>
  podList(api)
    .map(({ spec }) => `${spec?.nodeName} ${spec?.containers[0]?.image}`)
    .sort();

async function setUp(spec = {}) {
  const run = running(daemonSetController, schedulerController);
  run.api.seed(nodes, aNode('a'), aNode('b'));
  run.start();
  await sets(run.api).create(aDaemonSet('web', spec));
  const rest = async (watch: () => void = () => undefined) => {
    for (let round = 0; round < 12; round += 1) {
      await run.settle();
      watch();
      playAgent(run.api, run.clock);
    }
  };
  await rest();
  return { ...run, rest };
}

t.test('every node has one, nodes that come get one, nodes that go take theirs', async (t) => {
  const { api, rest } = await setUp();
  t.strictSame(placed(api), ['a busybox', 'b busybox']);
  t.match((await sets(api).get(web)).status, {
    desiredNumberScheduled: 2,
    currentNumberScheduled: 2,
    numberReady: 2,
    numberAvailable: 2,
    updatedNumberScheduled: 2,
  });
  api.seed(nodes, aNode('c'));
  await rest();
  t.strictSame(placed(api), ['a busybox', 'b busybox', 'c busybox']);
  const taint = [{ key: 'x', effect: 'NoExecute' }];
  await api.collection<Node>(nodes).patch({ name: 'a' }, { spec: { taints: taint } }, 'merge');
  await rest();
  t.strictSame(placed(api), ['b busybox', 'c busybox']);
});

t.test('an update goes from node to node, never more away than allowed', async (t) => {
  const { api, rest } = await setUp();
  await sets(api).patch(web, imagePatch('busybox:2'), 'strategic');
  const ready: number[] = [];
  await rest(() => ready.push(podList(api).filter((p) => p.status?.phase === 'Running').length));
  t.ok(Math.min(...ready) >= 1, ready.join());
  t.strictSame(placed(api), ['a busybox:2', 'b busybox:2']);
});

t.test('with a surge no node is ever without one', async (t) => {
  const { api, rest } = await setUp({
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
  });
  await sets(api).patch(web, imagePatch('busybox:2'), 'strategic');
  const ready: number[] = [];
  await rest(() => ready.push(podList(api).filter((p) => p.status?.phase === 'Running').length));
  t.ok(Math.min(...ready) >= 2 && Math.max(...ready) <= 3, ready.join());
  t.strictSame(placed(api), ['a busybox:2', 'b busybox:2']);
});

t.test('rolling back restarts no pod that has the old template already', async (t) => {
  const { api, rest } = await setUp();
  const before = new Set(podList(api).map(({ metadata }) => metadata.uid));
  // The new image never becomes ready on the first node: the second keeps its pod.
  await sets(api).patch(web, imagePatch('missing'), 'strategic');
  const unready = () => {
    for (const pod of podList(api)) {
      const conditions = [{ type: 'Ready', status: 'False' }];
      if (pod.spec?.containers[0]?.image !== 'missing') continue;
      api.store.put(pods, { ...pod, status: { phase: 'Running', conditions } } as Pod);
    }
  };
  await rest(unready);
  await sets(api).patch(web, imagePatch('busybox'), 'strategic');
  await rest();
  t.strictSame(placed(api), ['a busybox', 'b busybox']);
  t.equal(podList(api).filter(({ metadata }) => before.has(metadata.uid)).length, 1);
  const revisions = api.store.all(controllerRevisions) as ControllerRevision[];
  t.strictSame(revisions.map(({ revision }) => revision).sort(), [2, 3]);
});

t.test('a pod that fails again and again is tried less and less often', async (t) => {
  const { api, clock, settle } = await setUp();
  let made = 0;
  const until = clock.now() + 60_000;
  while (clock.now() < until) {
    for (const pod of podList(api)) {
      if (pod.spec?.nodeName !== 'a') continue;
      api.store.put(pods, { ...pod, status: { phase: 'Failed' } } as Pod);
    }
    await settle(100);
    made += api.requests.splice(0).filter((line) => line.startsWith('create pods/')).length;
  }
  t.ok(made >= 4 && made <= 8, `${made} in a minute`);
  const told = (api.store.all(events) as Event[]).filter(
    ({ reason }) => reason === 'FailedDaemonPod',
  );
  t.match(
    told[0]?.message,
    /^Found failed daemon pod default\/web-\w+ on node a, will try to kill it$/,
  );
});

t.test('at rest nothing is written, whatever nodes report', async (t) => {
  const { api, settle } = await setUp();
  const { revision } = api.store;
  const node = api.store.find(nodes, { name: 'a' }) as Node;
  api.store.put(nodes, { ...node, status: { ...node.status, images: [] } } as Node);
  await settle(3_600_000);
  t.equal(api.store.revision, revision + 1);
});

for (const maxSurge of [0, 1]) {
  t.test(
    `a crash between any two writes changes nothing in the end: surge ${maxSurge}`,
    async (t) => {
      const rollingUpdate = { maxSurge, maxUnavailable: 1 - maxSurge };
      const set = aDaemonSet('web', { updateStrategy: { type: 'RollingUpdate', rollingUpdate } });
      const scenario = {
        controllers: [daemonSetController, schedulerController],
        steps: [
          (api: MemoryApi) => api.seed(nodes, aNode('a'), aNode('b')),
          (api: MemoryApi) => sets(api).create(set),
          (api: MemoryApi) => sets(api).patch(web, imagePatch('busybox:2'), 'strategic'),
          (api: MemoryApi) => api.seed(nodes, aNode('c')),
        ],
        picture: (api: MemoryApi) => ({
          status: (api.store.find(daemonSets, web) as DaemonSet).status,
          pods: placed(api),
          revisions: api.store.all(controllerRevisions).map(({ metadata }) => metadata.name),
        }),
      };
      const writes = await crashEverywhere(scenario, (result, undisturbed, crash) =>
        t.strictSame(result, undisturbed, crash),
      );
      t.ok(writes > 12, `${writes} writes`);
    },
  );
}
