import t from 'tap';
import { leases, nodes, pods } from '#api/resources/resource-types.ts';
import type { Lease, Node, Pod } from '#api/resources/types.ts';
import {
  nodeLifecycleController,
  taintEvictionController,
} from '#controller/node-lifecycle/controller.ts';
import { aNode, aPod } from '../../support/builders.ts';
import { running } from '../../support/controllers.ts';

const lease = (name: string, renewTime: string): Lease => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, namespace: 'kube-node-lease' },
  spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime },
});

async function setUp() {
  const run = running(nodeLifecycleController(), taintEvictionController);
  const { api, clock } = run;
  api.seed(nodes, aNode('a'));
  const ready = [{ type: 'Ready', status: 'True' }];
  const tolerations = [
    {
      key: 'node.kubernetes.io/unreachable',
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 300,
    },
  ];
  const pod = aPod('p', { nodeName: 'a', tolerations });
  api.seed(pods, { ...pod, status: { phase: 'Running', conditions: ready } } as Pod);
  run.start();
  await run.settle();
  /** The agent lives for so long. */
  const live = async (seconds: number) => {
    for (let passed = 0; passed < seconds; passed += 10) {
      api.store.put(leases, lease('a', new Date(clock.now()).toISOString()));
      await run.settle(10_000);
    }
  };
  const node = () => api.store.find(nodes, { name: 'a' }) as Node;
  const held = () => api.store.find(pods, { name: 'p', namespace: 'default' }) as Pod;
  const readiness = (object: Node | Pod) =>
    object.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return { ...run, live, node, held, readiness };
}

t.test('a node that renews its Lease is left alone', async (t) => {
  const { api, live } = await setUp();
  await live(20);
  const before = api.requests.filter((request) =>
    /^(patch|update|delete|create)/.test(request),
  ).length;
  await live(600);
  const after = api.requests.filter((request) =>
    /^(patch|update|delete|create)/.test(request),
  ).length;
  t.equal(after, before);
});

t.test(
  'a silent node is lost after its grace, its pods are not ready, and leave after 300 s',
  async (t) => {
    const { live, node, held, readiness, settle } = await setUp();
    await live(60);
    await settle(30_000);
    t.equal(readiness(node()), 'True');
    await settle(20_000);
    t.equal(readiness(node()), 'Unknown');
    t.strictSame(
      node().spec?.taints?.map(({ effect }) => effect),
      ['NoSchedule', 'NoExecute'],
    );
    t.equal(readiness(held()), 'False');
    await settle(280_000);
    t.equal(held().metadata.deletionTimestamp, undefined);
    await settle(30_000);
    t.ok(held().metadata.deletionTimestamp);
    t.match(
      held().status?.conditions?.find(({ type }) => type === 'DisruptionTarget'),
      { status: 'True', reason: 'DeletionByTaintManager' },
    );
  },
);

t.test('a node that comes back in time loses its taints and keeps its pods', async (t) => {
  const { api, live, node, held, settle } = await setUp();
  await live(20);
  await settle(100_000);
  t.equal(node().spec?.taints?.length, 2);
  await live(10);
  const status = { conditions: [{ type: 'Ready', status: 'True' }] };
  await api.collection<Node>(nodes).patch({ name: 'a' }, { status }, 'strategic');
  await live(600);
  t.strictSame(node().spec?.taints, []);
  t.equal(held().metadata.deletionTimestamp, undefined);
});
