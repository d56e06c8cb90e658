/** Affinity and anti-affinity between pods, as a table. */
import t from 'tap';
import type { Node, Pod, PodSpec } from '#api/resources/types.ts';
import { factsOf } from '#controller/scheduler/facts.ts';
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

const term = (app: string, topologyKey: string, more = {}) => ({
  labelSelector: { matchLabels: { app } },
  topologyKey,
  ...more,
});
const near = (...terms: object[]) =>
  ({
    affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
  }) as Partial<PodSpec>;
const apart = (...terms: object[]) =>
  ({
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
  }) as Partial<PodSpec>;
const prefer = (kind: 'podAffinity' | 'podAntiAffinity', one: object) =>
  ({
    affinity: {
      [kind]: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm: one }],
      },
    },
  }) as Partial<PodSpec>;
const host = 'kubernetes.io/hostname';

type Case = [name: string, pod: Pod, there: [Pod, string][], expected: string | RegExp];
const elsewhere = (one: Pod): Pod => ({
  ...one,
  metadata: { ...one.metadata, namespace: 'elsewhere' },
});

const cases: Case[] = [
  ['near another, by zone', pod('web', near(term('db', zone))), [[pod('db'), 'b1']], 'b1'],
  ['near another, by node', pod('web', near(term('db', host))), [[pod('db'), 'a2']], 'a2'],
  [
    'near somebody who is not there',
    pod('web', near(term('db', zone))),
    [],
    /4 node\(s\) didn't match pod affinity rules\. preemption: .*4 Preemption is not helpful/,
  ],
  ['the first of a group that wants to be together', pod('web', near(term('web', zone))), [], 'a1'],
  ['the second joins the first', pod('web', near(term('web', zone))), [[pod('web'), 'b1']], 'b1'],
  [
    'a pod of another namespace is not meant',
    pod('web', near(term('db', zone))),
    [[elsewhere(pod('db')), 'b1']],
    /didn't match pod affinity rules/,
  ],
  [
    'a namespace that is named is meant',
    pod('web', near(term('db', zone, { namespaces: ['elsewhere'] }))),
    [[elsewhere(pod('db')), 'b1']],
    'b1',
  ],
  [
    'namespaces that are selected are meant',
    pod('web', near(term('db', zone, { namespaceSelector: { matchLabels: { team: 'x' } } }))),
    [[elsewhere(pod('db')), 'b1']],
    'b1',
  ],
  ['not beside its like', pod('web', apart(term('web', host))), [[pod('web'), 'a1']], 'a2'],
  ['not in the zone of its like', pod('web', apart(term('web', zone))), [[pod('web'), 'a1']], 'b1'],
  [
    'nowhere left',
    pod('web', apart(term('web', host))),
    nodes.map((node) => [pod('web'), node.metadata.name]),
    /^0\/4 nodes are available: 4 node\(s\) didn't match pod anti-affinity rules\. preemption: .*4 No preemption victims/,
  ],
  [
    'refused by one who is there',
    pod('web'),
    [
      [pod('shy', apart(term('web', zone))), 'a1'],
      [pod('shy', apart(term('web', host))), 'nowhere'],
    ],
    'b1',
  ],
  [
    'refused by all who are there',
    pod('web'),
    nodes.map((node) => [pod('shy', apart(term('web', host))), node.metadata.name]),
    /4 node\(s\) didn't satisfy existing pods anti-affinity rules/,
  ],
  [
    'apart only from its own version',
    pod('web', apart(term('web', host, { matchLabelKeys: ['version'] })), { version: '2' }),
    [
      [pod('web', {}, { version: '1' }), 'a1'],
      [pod('web', {}, { version: '2' }), 'a2'],
    ],
    'b1',
  ],
  ['rather near', pod('web', prefer('podAffinity', term('db', host))), [[pod('db'), 'b1']], 'b1'],
  [
    'rather apart',
    pod('web', prefer('podAntiAffinity', term('db', zone))),
    [
      [pod('db'), 'a1'],
      [pod('other'), 'nowhere'],
      [pod('other'), 'nowhere'],
    ],
    'b1',
  ],
  [
    'wanted by one who is there',
    pod('web'),
    [[pod('db', prefer('podAffinity', term('web', host))), 'b1']],
    'b1',
  ],
];

const placed = (one: Pod, there: readonly [Pod, string][], all: readonly Node[] = nodes) => {
  const usage = new Usage();
  for (const [other, node] of there) usage.assume(other, node);
  const facts = {
    ...factsOf(all),
    namespaceLabels: (name: string) => (name === 'elsewhere' ? { team: 'x' } : {}),
  };
  const placement = plan(one, all, usage, facts);
  return placement.type === 'bind' ? placement.node : placement.message;
};

for (const [name, one, there, expected] of cases) {
  t.test(`placing: ${name}`, async (t) => {
    const found = placed(one, there);
    if (typeof expected === 'string') t.equal(found, expected);
    else t.match(found, expected);
  });
}
