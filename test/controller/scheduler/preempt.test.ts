/** Whom an important pod drives away, as a table. */
import t from 'tap';
import type { Node, Pod, PodDisruptionBudget } from '#api/resources/types.ts';
import { factsOf } from '#controller/scheduler/facts.ts';
import { plan } from '#controller/scheduler/plan.ts';
import { Usage } from '#controller/scheduler/usage.ts';
import { aNode } from '../../support/builders.ts';
import { budget, pod } from './important-pods.ts';

const decide = (
  one: Pod,
  all: readonly Node[],
  there: readonly [Pod, string][],
  budgets: PodDisruptionBudget[] = [],
) => {
  const usage = new Usage();
  for (const [other, node] of there) usage.assume(other, node);
  const placement = plan(one, all, usage, { ...factsOf(all), budgets: () => budgets });
  if (placement.type === 'bind') return placement.node;
  if (placement.type === 'unschedulable') return placement.message;
  const names = placement.victims.map(({ metadata }) => metadata.name);
  return `${placement.node}: ${names.join(' ')}`;
};

const two = [aNode('a'), aNode('b')];
const big = pod('big', 100, '2');
const old = (one: Pod, startTime: string): Pod => ({ ...one, status: { startTime } });

type Case = [string, Pod, [Pod, string][], string | RegExp, PodDisruptionBudget[]?];
const cases: Case[] = [
  [
    'nobody is less important',
    big,
    [
      [pod('x', 100, '2'), 'a'],
      [pod('y', 200, '2'), 'b'],
    ],
    /preemption: 0\/2 nodes are available: 2 No preemption victims found for incoming pod\.$/,
  ],
  [
    'no more than needed',
    pod('p', 100, '1'),
    [
      [pod('x', 1, '1'), 'a'],
      [pod('y', 2, '1'), 'a'],
      [pod('z', 200, '2'), 'b'],
    ],
    'a: x',
  ],
  [
    'the less important victims',
    big,
    [
      [pod('x', 50, '2'), 'a'],
      [pod('y', 10, '2'), 'b'],
    ],
    'b: y',
  ],
  [
    'the fewer victims',
    big,
    [
      [pod('x', 10, '1'), 'a'],
      [pod('y', 10, '1'), 'a'],
      [pod('z', 10, '2'), 'b'],
    ],
    'b: z',
  ],
  [
    'the younger victims',
    big,
    [
      [old(pod('x', 10, '2'), '2030-01-01T00:00:00Z'), 'a'],
      [old(pod('y', 10, '2'), '2030-02-01T00:00:00Z'), 'b'],
    ],
    'b: y',
  ],
  [
    'no budget broken if it can be',
    big,
    [
      [pod('x', 10, '2'), 'a'],
      [pod('y', 50, '2'), 'b'],
    ],
    'b: y',
    [budget('x', 0)],
  ],
  [
    'a budget that allows it is not broken',
    big,
    [
      [pod('x', 10, '2'), 'a'],
      [pod('y', 50, '2'), 'b'],
    ],
    'a: x',
    [budget('x', 1)],
  ],
  [
    'a budget is broken if there is no other way',
    big,
    [
      [pod('x', 10, '2'), 'a'],
      [pod('y', 500, '2'), 'b'],
    ],
    'a: x',
    [budget('x', 0)],
  ],
  [
    'nobody is driven away for a pod that does not want it',
    pod('p', 100, '2', { preemptionPolicy: 'Never' }),
    [
      [pod('x', 1, '2'), 'a'],
      [pod('y', 1, '2'), 'b'],
    ],
    /preemption: not eligible due to preemptionPolicy=Never\.$/,
  ],
  [
    'it would not help',
    pod('p', 100, '3'),
    [[pod('x', 1, '2'), 'a']],
    /2 Insufficient cpu\. preemption: 0\/2 nodes are available: 2 Preemption is not helpful for scheduling\.$/,
  ],
];
for (const [name, one, there, expected, budgets] of cases) {
  t.test(`preempting: ${name}`, async (t) => {
    const found = decide(one, two, there, budgets);
    if (typeof expected === 'string') t.equal(found, expected);
    else t.match(found, expected);
  });
}

t.test('a pod that refuses the important one goes, a host port is freed', async (t) => {
  const apart = {
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'p' } } },
        ],
      },
    },
  };
  const shy = pod('shy', 1, '1m', apart);
  t.equal(decide(pod('p', 9, '1m'), two.slice(0, 1), [[shy, 'a']]), 'a: shy');
  const ports = { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 80 }] }] };
  const held = pod('held', 1, '1m', ports);
  t.equal(
    decide(pod('p', 9, '1m', ports), two.slice(0, 1), [
      [held, 'a'],
      [pod('x', 1, '1m'), 'a'],
    ]),
    'a: held',
  );
});
