import t from 'tap';
import { nodes, pods } from '#api/resources/resource-types.ts';
import type { Node, Pod } from '#api/resources/types.ts';
import {
  nodeLifecycleController,
  taintEvictionController,
} from '#controller/node-lifecycle/controller.ts';
import { aNode, aPod } from '../../support/builders.ts';
import { type Scenario, survivesCrashes, whole } from '../../support/crash.ts';
import { type MemoryApi, memoryApi } from '../../support/memory-collection.ts';

const unreachable = 'node.kubernetes.io/unreachable';
const theirs = { key: 'example.com/theirs', effect: 'NoSchedule', value: 'x' };

/** A pod that serves, and stays for so long on a node that is lost. */
function serving(name: string, nodeName: string, tolerationSeconds?: number): Pod {
  const toleration = { key: unreachable, operator: 'Exists', effect: 'NoExecute' };
  const tolerations = [
    { ...toleration, ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }) },
  ];
  const conditions = [
    { type: 'Ready', status: 'True' },
    { type: 'PodScheduled', status: 'True' },
  ];
  return {
    ...aPod(name, { nodeName, tolerations }),
    status: { phase: 'Running', conditions },
  } as Pod;
}

function oneNode(): MemoryApi {
  const api = memoryApi();
  api.seed(nodes, aNode('a', {}, { spec: { taints: [theirs], unschedulable: true } }));
  api.seed(pods, serving('brief', 'a', 300), serving('second', 'a', 300), serving('stays', 'a'));
  api.seed(pods, aPod('foreign-free'), serving('foreign-elsewhere', 'b', 300));
  return api;
}

const readiness = ({ metadata, status }: Node | Pod) =>
  `${metadata.name} ${status?.conditions?.find(({ type }) => type === 'Ready')?.status}`;

const scenario: Scenario = {
  controllers: [nodeLifecycleController(), taintEvictionController],
  api: oneNode,
  steps: [],
  picture: (api) => ({
    ready: [nodes, pods].flatMap((type) => (api.store.all(type) as Pod[]).map(readiness)).join(),
    all: whole(api, nodes, pods),
  }),
  // A node is lost after 50 seconds of silence.
  lookMs: 20_000,
  foreign: /foreign/,
  // The API server tells from it what was done to the pod.
  never: (api) => {
    const left = api.store.all(pods) as Pod[];
    const untold = left.find(
      ({ metadata, status }) =>
        metadata.deletionTimestamp !== undefined &&
        !status?.conditions?.some(({ type }) => type === 'DisruptionTarget'),
    );
    return untold && `${untold.metadata.name} goes and does not say why`;
  },
};

t.test('a crash at any write leaves no pod of a lost node ready', (t) =>
  survivesCrashes(t, scenario, {
    writes: 5,
    end: {
      ready:
        'a Unknown,brief False,foreign-elsewhere True,foreign-free undefined,second False,stays False',
      all: [[{ spec: { taints: { length: 4, 0: theirs } } }]],
    },
  }),
);

t.test('a crash at any write evicts those whose time is over, and nobody else', (t) =>
  survivesCrashes(
    t,
    { ...scenario, steps: [() => undefined, (_, clock) => clock.advance(400_000)] },
    {
      writes: 9,
      end: { ready: 'a Unknown,foreign-elsewhere True,foreign-free undefined,stays False' },
    },
  ),
);

t.test('a crash at any write lets a node that is back have its pods', (t) =>
  survivesCrashes(
    t,
    {
      ...scenario,
      lookMs: 500,
      api: () => {
        const api = oneNode();
        const node = structuredClone(api.store.find(nodes, { name: 'a' })) as Node;
        const timeAdded = new Date().toISOString();
        const lost = { key: unreachable, effect: 'NoExecute', timeAdded };
        const conditions = [{ type: 'Ready', status: 'Unknown' }];
        api.store.put(nodes, {
          ...node,
          spec: { taints: [theirs, lost] },
          status: { ...node.status, conditions },
        } as Node);
        return api;
      },
      steps: [
        () => undefined,
        (api, clock) => {
          const node = structuredClone(api.store.find(nodes, { name: 'a' })) as Node;
          const lastHeartbeatTime = new Date(clock.now()).toISOString();
          const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime }];
          api.store.put(nodes, { ...node, status: { ...node.status, conditions } } as Node);
        },
      ],
    },
    { writes: 2, end: { ready: /^a True,brief/, all: [[{ spec: { taints: [theirs] } }]] } },
  ),
);
