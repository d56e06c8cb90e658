/** Who goes first, and in which words. */
import t from 'tap';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { overLocalLimit } from '#node-agent/eviction/local-limits.ts';
import {
  type Candidate,
  evictionMessage,
  podRequest,
  ranked,
} from '#node-agent/eviction/ranking.ts';
import type { Resource } from '#node-agent/eviction/thresholds.ts';
import { podOf } from '../agent-rig.ts';

const mi = 1024 ** 2;

const container = (resources: PodContainer['resources'], more: Partial<PodContainer> = {}) => ({
  name: 'main',
  image: 'busybox',
  ...(resources === undefined ? {} : { resources }),
  ...more,
});

interface Told {
  readonly used?: number;
  readonly request?: string;
  readonly limit?: string;
  readonly priority?: number;
}

function candidate(
  name: string,
  { used, request, limit, priority }: Told,
  of: Resource,
): Candidate {
  const pod = podOf(name, {
    ...(priority === undefined ? {} : { priority }),
    containers: [
      container({
        ...(request === undefined ? {} : { requests: { [of]: request } }),
        ...(limit === undefined ? {} : { limits: { [of]: limit } }),
      }),
    ],
  });
  if (used === undefined) return { pod };
  const bytes = used * mi;
  return { pod, use: { total: bytes, containers: new Map([['main', bytes]]) } };
}

const cases: [string, Record<string, Told>, string][] = [
  [
    'over its request before within it, whoever uses more',
    { within: { used: 900, request: '1000Mi' }, over: { used: 2, request: '1Mi' } },
    'over within',
  ],
  [
    'within its request goes last, even of the lowest priority',
    {
      low: { used: 1, request: '2Mi', priority: -5 },
      high: { used: 3, request: '2Mi', priority: 9 },
    },
    'high low',
  ],
  [
    'the lower priority first, however little it uses over',
    { high: { used: 900, priority: 10 }, low: { used: 1, priority: 1 }, none: { used: 1 } },
    'none low high',
  ],
  [
    'the same priority: the furthest over its request, not who uses most',
    { big: { used: 500, request: '490Mi' }, far: { used: 100, request: '1Mi' } },
    'far big',
  ],
  [
    'all within: the one with the least left',
    { much: { used: 10, request: '500Mi' }, little: { used: 99, request: '100Mi' } },
    'little much',
  ],
  [
    'a limit alone is a request',
    { limited: { used: 50, limit: '60Mi' }, free: { used: 1 } },
    'free limited',
  ],
  [
    'exactly at its request is within it',
    { at: { used: 5, request: '5Mi', priority: -1 }, over: { used: 6, request: '5Mi' } },
    'over at',
  ],
  ['who could not be measured goes first', { known: { used: 500 }, unknown: {} }, 'unknown known'],
];
for (const [what, told, order] of cases) {
  for (const resource of ['memory', 'ephemeral-storage'] as const) {
    t.test(`${resource}: ${what}`, async (t) => {
      const all = Object.entries(told).map(([name, one]) => candidate(name, one, resource));
      const names = (list: Candidate[]) => list.map(({ pod }) => pod.metadata.name).join(' ');
      t.equal(names(ranked(all, resource)), order);
      t.equal(names(ranked(all.toReversed(), resource)), order, 'in whatever order they come');
    });
  }
}

t.test('a pod requests what lasts, or its greediest init container', async (t) => {
  const of = (memory: string, more: Partial<PodContainer> = {}) =>
    container({ requests: { memory } }, more);
  const pod = podOf('p', {
    containers: [of('10Mi'), of('20Mi', { name: 'two' })],
    initContainers: [
      of('5Mi', { name: 'side', restartPolicy: 'Always' }),
      of('34Mi', { name: 'i' }),
    ],
  });
  t.equal(podRequest(pod, 'memory'), 35 * mi);
  const greedy = { ...pod, spec: { ...pod.spec, initContainers: [of('40Mi', { name: 'i' })] } };
  t.equal(podRequest(greedy as Pod, 'memory'), 40 * mi);
  t.equal(podRequest(pod, 'inodes'), 0);
});

t.test('the message names what was short and who used more than its request', async (t) => {
  const pod = podOf('p', {
    containers: [
      container({ requests: { memory: '20Mi' } }),
      container(undefined, { name: 'idle' }),
      container({ requests: { memory: '1Gi' } }, { name: 'modest' }),
      container(undefined, { name: 'bare' }),
    ],
  });
  const containers = new Map([
    ['main', 64 * mi],
    ['modest', 100 * mi],
    ['bare', 1536 * 1024],
  ]);
  t.equal(
    evictionMessage(
      { pod, use: { total: 166 * mi, containers } },
      { resource: 'memory', least: 100 * mi, available: 50 * mi, isSoft: false },
    ),
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. ' +
      'Container main was using 64Mi, request is 20Mi, has larger consumption of memory. ' +
      'Container bare was using 1536Ki, request is 0, has larger consumption of memory. ',
  );
  t.equal(
    evictionMessage({ pod }, { resource: 'inodes', least: 5000, available: 12, isSoft: false }),
    'The node was low on resource: inodes. Threshold quantity: 5k, available: 12. ',
  );
});

const use = (mib: number) => ({ bytes: mib * mi, inodes: 1 });
function local(total: number, containers: Record<string, number>, volumes: Record<string, number>) {
  const uses = (of: Record<string, number>) =>
    new Map(Object.entries(of).map(([name, mib]) => [name, use(mib)]));
  return { total: use(total), containers: uses(containers), volumes: uses(volumes) };
}
const limited = (limit: string, name = 'main') =>
  container({ limits: { 'ephemeral-storage': limit } }, { name });
const volume = (sizeLimit?: string, medium?: string) => ({
  volumes: [
    { name: 'x', emptyDir: { ...(sizeLimit && { sizeLimit }), ...(medium && { medium }) } },
  ],
});

const limits: [
  string,
  NonNullable<Partial<Pod['spec']>>,
  ReturnType<typeof local>,
  string | undefined,
][] = [
  [
    'a volume over its size',
    volume('1Mi'),
    local(2, {}, { x: 2 }),
    'Usage of EmptyDir volume "x" exceeds the limit "1Mi". ',
  ],
  ['a volume at its size', volume('1Mi'), local(1, {}, { x: 1 }), undefined],
  ['a volume without a size', volume(), local(99, {}, { x: 99 }), undefined],
  [
    'a volume in memory is the kernel’s',
    volume('1Mi', 'Memory'),
    local(2, {}, { x: 2 }),
    undefined,
  ],
  [
    'a container over its limit',
    { containers: [limited('10Mi'), limited('90Mi', 'b')] },
    local(31, { main: 11, b: 20 }, {}),
    'Container main exceeded its local ephemeral storage limit "10Mi". ',
  ],
  [
    'a pod over the sum of its limits',
    { containers: [limited('1Gi'), limited('1Gi', 'b')] },
    local(2049, { main: 1000, b: 1000 }, {}),
    'Pod ephemeral local storage usage exceeds the total limit of containers 2Gi. ',
  ],
  ['within all', { containers: [limited('1Gi')] }, local(1000, { main: 1000 }, {}), undefined],
  ['no limit', {}, local(5000, { main: 5000 }, {}), undefined],
];
for (const [what, spec, of, expected] of limits) {
  t.test(`local storage: ${what}`, async (t) => {
    t.equal(overLocalLimit(podOf('p', spec), of), expected);
  });
}
