import t from 'tap';
import type { Node, Pod } from '#api/resources/types.ts';
import { plan } from '#controller/scheduler/plan.ts';
import { requestsOf } from '#controller/scheduler/resources.ts';
import { Usage } from '#controller/scheduler/usage.ts';
import { aNode, aPod, asking } from '../../support/builders.ts';

const place = (pod: Pod, ...nodes: Node[]): string => {
  const placement = plan(pod, nodes, new Usage());
  return placement.type === 'bind' ? placement.node : placement.message;
};

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
    '0/1 nodes are available: 1 Insufficient cpu.',
  ],
  [
    'too little of all',
    asking('p', { cpu: '3', memory: '5Gi', 'example.com/gpu': '1' }),
    [aNode('a'), aNode('b', { cpu: '8' })],
    '0/2 nodes are available: 1 Insufficient cpu, 2 Insufficient example.com/gpu, 2 Insufficient memory.',
  ],
  [
    'no more pods',
    aPod('p'),
    [aNode('a', { pods: '0' })],
    '0/1 nodes are available: 1 Too many pods.',
  ],
  ['exactly enough', asking('p', { cpu: '2', memory: '4Gi' }), [aNode('a')], 'a'],
  ['the emptier node', asking('p', { cpu: '1' }), [aNode('a'), aNode('b', { cpu: '4' })], 'b'],
  [
    'cordoned',
    aPod('p'),
    [aNode('a', {}, { spec: { unschedulable: true } })],
    '0/1 nodes are available: 1 node(s) were unschedulable.',
  ],
  [
    'not ready',
    aPod('p'),
    [aNode('a', {}, { ready: 'Unknown' })],
    '0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.',
  ],
  [
    'tainted',
    aPod('p'),
    [tainted('NoExecute')],
    '0/1 nodes are available: 1 node(s) had untolerated taint {gpu: yes}.',
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
    "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
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
