/** From what pods use to how many there should be; how fast that may change. */
import t from 'tap';
import type { Pod } from '#api/resources/types.ts';
import type { PodUse } from '#controller/autoscaler/access.ts';
import { limited, type Memory, type Past } from '#controller/autoscaler/behaviour.ts';
import { type Measure, proposal } from '#controller/autoscaler/replicas.ts';
import { aRunningPod } from '../../support/builders.ts';

const nowMs = Date.UTC(2030, 0, 1);
const ago = (ms: number) => new Date(nowMs - ms).toISOString();
const oldMs = 3_600_000;

interface Given {
  /** In millis of the requested 1000. */
  readonly use?: number | undefined;
  readonly ready?: boolean;
  readonly ageMs?: number;
  readonly phase?: string;
  readonly going?: boolean;
}

const podOf = (
  { ready = true, ageMs = oldMs, phase = 'Running', going = false }: Given,
  i: number,
): Pod =>
  aRunningPod(`p${i}`, 'web', '10.0.0.1', {
    metadata: { name: `p${i}`, ...(going ? { deletionTimestamp: 'now' } : {}) },
    spec: { containers: [{ name: 'main', resources: { requests: { cpu: '1', memory: '1Ki' } } }] },
    status: {
      phase,
      startTime: ago(ageMs),
      conditions: [
        { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: ago(ageMs) },
      ],
    },
  } as Partial<Pod>);

function viewOf(given: readonly Given[], replicas = given.length) {
  const uses = new Map<string, PodUse>();
  for (const [i, { use }] of given.entries()) {
    if (use === undefined) continue;
    const measures = Object.entries({ cpu: use, memory: use * 1_024 });
    const containers = new Map([['main', new Map(measures)]]);
    uses.set(`p${i}`, { timeMs: nowMs, windowMs: 15_000, containers });
  }
  return { pods: given.map(podOf), uses, replicas, nowMs };
}

const half: Measure = { resource: 'cpu', target: { utilization: 50 } };
const using = (...uses: number[]): Given[] => uses.map((use) => ({ use }));
const young = 60_000;

const cases: [string, Given[], number][] = [
  ['twice as much as wanted', using(1_000, 1_000), 4],
  ['half of what is wanted', using(250, 250, 250, 250), 2],
  ['within a tenth', using(540, 540), 2],
  ['just outside a tenth', using(560, 560), 3],
  ['one busy, one idle', using(1_000, 0), 2],
  ['nothing at all', using(0, 0, 0), 0],
  ['a pod that fails does not count', [...using(1_000), { use: 0, phase: 'Failed' }], 2],
  ['a pod that goes does not count', [...using(1_000), { use: 0, going: true }], 2],
  ['who is missing holds growth back', [...using(1_000, 1_000), {}, {}], 4],
  ['who is missing holds shrinking back', [...using(100, 100), {}, {}], 4],
  [
    'who is starting counts as idle while growing',
    [...using(1_000, 1_000), { use: 900, ready: false, ageMs: young }],
    4,
  ],
  [
    'who is starting is left out while shrinking',
    [...using(250, 250), { use: 900, ready: false, ageMs: young }],
    1,
  ],
  ['a pod without a node holds growth back', [...using(1_000), { phase: 'Pending' }], 2],
];
for (const [name, given, expected] of cases) {
  t.test(`replicas: ${name}`, async (t) => {
    t.equal(proposal(half, viewOf(given)).replicas, expected);
  });
}

t.test('what an autoscaler bears itself, each way', async (t) => {
  const wanted = (use: number, tolerance: object) =>
    proposal(half, { ...viewOf(using(use, use)), tolerance }).replicas;
  t.strictSame([wanted(510, { up: 0.01 }), wanted(700, { up: 0.5 })], [3, 2]);
  t.strictSame([wanted(200, { up: 0.5 }), wanted(200, { down: 0.7 })], [1, 2]);
});

t.test('an average value, memory, one container', async (t) => {
  const view = viewOf(using(1_000, 500));
  t.match(proposal({ resource: 'cpu', target: { averageMillis: 250 } }, view), {
    replicas: 6,
    averageMillis: 750,
  });
  t.match(proposal({ resource: 'memory', target: { utilization: 50 } }, view), {
    replicas: 3,
    utilization: 75,
  });
  const main = { resource: 'cpu', container: 'main', target: { utilization: 75 } };
  t.equal(proposal(main, view).replicas, 2);
});

const failing: [string, Measure, Given[], RegExp][] = [
  ['no pods', half, [], /no pods returned by selector/],
  ['no measures', half, [{}], /did not receive metrics for targeted pods/],
  [
    'no requests',
    { resource: 'ephemeral-storage', target: { utilization: 50 } },
    using(1),
    /did not receive metrics/,
  ],
];
for (const [name, measure, given, message] of failing) {
  t.test(`not to be computed: ${name}`, async (t) =>
    t.throws(() => proposal(measure, viewOf(given)), { name: 'NoMeasure', message }),
  );
}

t.test('a container without a request is named', async (t) => {
  const view = viewOf(using(100));
  const [pod] = view.pods;
  if (pod?.spec?.containers[0] !== undefined) pod.spec.containers[0].resources = {};
  t.throws(() => proposal(half, view), {
    message: 'missing request for cpu in container main of Pod p0',
  });
});

const nothing: Memory = { recommendations: [], ups: [], downs: [] };
const past = (...all: [value: number, secondsAgo: number][]): Past[] =>
  all.map(([value, seconds]) => ({ value, timeMs: nowMs - seconds * 1_000 }));
const policy = (type: string, value: number, periodSeconds: number) => ({
  type,
  value,
  periodSeconds,
});

type Change = [current: number, desired: number];
const changes: [string, Change, object | undefined, Partial<Memory>, number, string, string][] = [
  ['as it is', [3, 3], undefined, {}, 3, 'ReadyForNewScale', 'DesiredWithinRange'],
  ['grows by four at least', [1, 9], undefined, {}, 5, 'ReadyForNewScale', 'ScaleUpLimit'],
  ['grows to twice', [10, 30], undefined, {}, 20, 'ReadyForNewScale', 'TooManyReplicas'],
  [
    'what grew just now counts',
    [8, 20],
    undefined,
    { ups: past([4, 5]) },
    8,
    'ReadyForNewScale',
    'ScaleUpLimit',
  ],
  [
    'shrinks when all wishes are low',
    [10, 2],
    undefined,
    { recommendations: past([2, 10]) },
    2,
    'ReadyForNewScale',
    'DesiredWithinRange',
  ],
  [
    'a higher wish of late holds it',
    [10, 2],
    undefined,
    { recommendations: past([8, 200]) },
    8,
    'ScaleDownStabilized',
    'DesiredWithinRange',
  ],
  [
    'a higher wish of long ago does not',
    [10, 2],
    undefined,
    { recommendations: past([8, 301]) },
    2,
    'ReadyForNewScale',
    'DesiredWithinRange',
  ],
  ['no less than the least', [10, 0], undefined, {}, 1, 'ReadyForNewScale', 'TooFewReplicas'],
  [
    'one at a time',
    [10, 2],
    { scaleDown: { stabilizationWindowSeconds: 0, policies: [policy('Pods', 1, 60)] } },
    {},
    9,
    'ReadyForNewScale',
    'ScaleDownLimit',
  ],
  [
    'one a minute',
    [9, 2],
    { scaleDown: { stabilizationWindowSeconds: 0, policies: [policy('Pods', 1, 60)] } },
    { downs: past([1, 30]) },
    9,
    'ReadyForNewScale',
    'ScaleDownLimit',
  ],
  [
    'a tenth at a time',
    [10, 2],
    { scaleDown: { policies: [policy('Percent', 10, 60)] } },
    {},
    9,
    'ReadyForNewScale',
    'ScaleDownLimit',
  ],
  [
    'never down',
    [10, 2],
    { scaleDown: { selectPolicy: 'Disabled' } },
    {},
    10,
    'ReadyForNewScale',
    'ScaleDownLimit',
  ],
  [
    'the slower policy',
    [10, 20],
    {
      scaleUp: {
        selectPolicy: 'Min',
        policies: [policy('Pods', 2, 60), policy('Percent', 50, 60)],
      },
    },
    {},
    12,
    'ReadyForNewScale',
    'ScaleUpLimit',
  ],
  [
    'a lower wish of late holds growth',
    [5, 9],
    { scaleUp: { stabilizationWindowSeconds: 60 } },
    { recommendations: past([6, 30]) },
    6,
    'ScaleUpStabilized',
    'DesiredWithinRange',
  ],
];
for (const [name, [current, desired], behaviour, memory, replicas, able, why] of changes) {
  t.test(`a change: ${name}`, async (t) => {
    const wish = { current, desired, min: 1, max: 20, behaviour: behaviour as never, nowMs };
    const result = limited(wish, { ...nothing, ...memory });
    t.strictSame([result.replicas, result.able[0], result.limited[1]], [replicas, able, why]);
  });
}
