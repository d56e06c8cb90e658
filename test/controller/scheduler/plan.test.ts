import t from 'tap';
import type { Node, Pod } from '#api/resources/types.ts';
import { factsOf } from '#controller/scheduler/facts.ts';
import { plan } from '#controller/scheduler/plan.ts';
import { requestsOf } from '#controller/scheduler/resources.ts';
import { Usage } from '#controller/scheduler/usage.ts';
import { aNode, aPod, asking } from '../../support/builders.ts';

const place = (pod: Pod, ...nodes: Node[]): string => {
  const placement = plan(pod, nodes, new Usage());
  return placement.type === 'bind' ? placement.node : placement.message;
};

/** How kube-scheduler says that driving pods away would not help, or that there is nobody to drive away. */
const preemption = (nodes: number, why: string) =>
  ` preemption: 0/${nodes} nodes are available: ${nodes} ${why}.`;
const noHelp = (nodes: number) => preemption(nodes, 'Preemption is not helpful for scheduling');
const noVictims = (nodes: number) =>
  preemption(nodes, 'No preemption victims found for incoming pod');

const taint = (effect: string, key = 'gpu', value = 'yes') => ({ key, value, effect });
const tainted = (effect: string) => aNode('a', {}, { spec: { taints: [taint(effect)] } });
interface Expression {
  key: string;
  operator: string;
  values?: string[];
}
const required = (...matchExpressions: Expression[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] },
    },
  },
});
const ssd = aNode('a', {}, { labels: { disk: 'ssd', size: '10' } });

const cases: [string, Pod, Node[], string][] = [
  ['no nodes', aPod('p'), [], 'no nodes available to schedule pods'],
  ['one node', aPod('p'), [aNode('a')], 'a'],
  [
    'too little CPU',
    asking('p', { cpu: '3' }),
    [aNode('a')],
    `0/1 nodes are available: 1 Insufficient cpu.${noHelp(1)}`,
  ],
  [
    'too little of all',
    asking('p', { cpu: '3', memory: '5Gi', 'example.com/gpu': '1' }),
    [aNode('a'), aNode('b', { cpu: '8' })],
    `0/2 nodes are available: 1 Insufficient cpu, 2 Insufficient example.com/gpu, 2 Insufficient memory.${noHelp(2)}`,
  ],
  [
    'no more pods',
    aPod('p'),
    [aNode('a', { pods: '0' })],
    `0/1 nodes are available: 1 Too many pods.${noVictims(1)}`,
  ],
  ['exactly enough', asking('p', { cpu: '2', memory: '4Gi' }), [aNode('a')], 'a'],
  ['the emptier node', asking('p', { cpu: '1' }), [aNode('a'), aNode('b', { cpu: '4' })], 'b'],
  [
    'cordoned',
    aPod('p'),
    [aNode('a', {}, { spec: { unschedulable: true } })],
    `0/1 nodes are available: 1 node(s) were unschedulable.${noHelp(1)}`,
  ],
  [
    'not ready',
    aPod('p'),
    [aNode('a', {}, { ready: 'Unknown' })],
    `0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.${noHelp(1)}`,
  ],
  [
    'tainted',
    aPod('p'),
    [tainted('NoExecute')],
    `0/1 nodes are available: 1 node(s) had untolerated taint {gpu: yes}.${noHelp(1)}`,
  ],
  [
    'tolerated',
    aPod('p', { tolerations: [{ key: 'gpu', operator: 'Exists' }] }),
    [tainted('NoSchedule')],
    'a',
  ],
  [
    'tolerating all',
    aPod('p', { tolerations: [{ operator: 'Exists' }] }),
    [tainted('NoSchedule')],
    'a',
  ],
  ['rather not', aPod('p'), [tainted('PreferNoSchedule'), aNode('b')], 'b'],
  ['rather not, but nothing else', aPod('p'), [tainted('PreferNoSchedule')], 'a'],
  ['by label', aPod('p', { nodeSelector: { disk: 'ssd' } }), [aNode('b'), ssd], 'a'],
  [
    'by a label that is not there',
    aPod('p', { nodeSelector: { disk: 'tape' } }),
    [ssd],
    `0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.${noHelp(1)}`,
  ],
  [
    'In',
    aPod('p', required({ key: 'disk', operator: 'In', values: ['ssd'] })),
    [aNode('b'), ssd],
    'a',
  ],
  [
    'NotIn',
    aPod('p', required({ key: 'disk', operator: 'NotIn', values: ['ssd'] })),
    [ssd, aNode('b')],
    'b',
  ],
  [
    'Gt',
    aPod('p', required({ key: 'size', operator: 'Gt', values: ['9'] })),
    [aNode('b'), ssd],
    'a',
  ],
  [
    'DoesNotExist',
    aPod('p', required({ key: 'size', operator: 'DoesNotExist' })),
    [ssd, aNode('b')],
    'b',
  ],
];

for (const [name, pod, nodes, expected] of cases) {
  t.test(`placing: ${name}`, async (t) => t.equal(place(pod, ...nodes), expected));
}

t.test('a host port is given once a node', async (t) => {
  const port = (hostIP?: string) =>
    ({
      containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 80, hostIP }] }],
    }) as never;
  const usage = new Usage();
  const first = aPod('first', port('127.0.0.1'));
  first.metadata.uid = '1';
  usage.assume(first, 'a');
  const placement = plan(aPod('p', port()), [aNode('a')], usage);
  t.match(placement, {
    message: /1 node\(s\) didn't have free ports for the requested pod ports\./,
  });
  t.match(plan(aPod('p', port('127.0.0.2')), [aNode('a')], usage), { node: 'a' });
});

t.test(
  'a pod asks for its containers or for its largest init container, sidecars with both',
  async (t) => {
    const cpu = (amount: string) => ({ requests: { cpu: amount } });
    const pod = aPod('p', {
      containers: [
        { name: 'a', resources: cpu('100m') },
        { name: 'b', resources: cpu('200m') },
      ],
      initContainers: [
        { name: 's', restartPolicy: 'Always', resources: cpu('50m') },
        { name: 'i', resources: cpu('500m') },
      ],
      overhead: { cpu: '10m' },
    });
    t.equal(requestsOf(pod).get('cpu'), 560);
  },
);

t.test(
  'usage counts a pod once, wherever the news comes from, and gives back what it took',
  async (t) => {
    const usage = new Usage();
    const pod = asking('p', { cpu: '1' });
    pod.metadata.uid = '1';
    const bound = { ...pod, spec: { ...pod.spec, nodeName: 'a' } } as Pod;
    usage.assume(pod, 'a');
    usage.apply({ key: 'default/p', before: pod, after: bound });
    t.equal(usage.of('a').get('cpu'), 1000);
    const ended = { ...bound, status: { phase: 'Succeeded' } } as Pod;
    usage.apply({ key: 'default/p', before: bound, after: ended });
    usage.apply({ key: 'default/p', before: ended });
    t.equal(usage.of('a').size, 0);
  },
);

t.test('of a large cluster only a part is looked at, and every node has its turn', async (t) => {
  const all = [...Array(400).keys()].map((i) => aNode(`n${i}`));
  const usage = new Usage();
  const facts = factsOf(all);
  let from = 0;
  for (let i = 0; i < 400; i += 1) {
    const pod = asking(`p${i}`, { cpu: '2' });
    pod.metadata.uid = `uid-${i}`;
    const placement = plan(pod, all, usage, facts, from);
    if (placement.type !== 'bind') return t.fail(placement.message);
    usage.assume(pod, placement.node);
    from = (from + placement.looked) % all.length;
    if (i === 0) t.equal(placement.looked, 100, 'that can take it: no more are looked for');
  }
  t.match(plan(asking('more', { cpu: '1' }), all, usage, facts, from), {
    message: /^0\/400 nodes are available: 400 Insufficient cpu\./,
  });
});

t.test('a resize takes what is asked for and what is had, unless it never can be', async (t) => {
  const made = (reason: string): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'a', resources: { requests: { cpu: '400m' } } }] },
    status: {
      conditions: [{ type: 'PodResizePending', status: 'True', reason }],
      containerStatuses: [
        {
          ...{ name: 'a', image: '', imageID: '', ready: true, restartCount: 0 },
          allocatedResources: { cpu: '300m', memory: '1Ki' },
          resources: { requests: { cpu: '100m' } },
        },
      ],
    },
  });
  t.match(requestsOf(made('Deferred')), new Map(Object.entries({ cpu: 400, memory: 1024 })));
  t.match(requestsOf(made('Infeasible')), new Map(Object.entries({ cpu: 300, memory: 1024 })));
});
