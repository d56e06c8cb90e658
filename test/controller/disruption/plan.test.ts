import t from 'tap';
import type { Pod, PodDisruptionBudget } from '#api/resources/types.ts';
import { plan } from '#controller/disruption/plan.ts';
import { aRunningPod } from '../../support/builders.ts';

const nowMs = Date.UTC(2030, 0, 1);
const pod = (i: number, more: Partial<Pod> = {}) =>
  aRunningPod(`p${i}`, 'web', `10.0.0.${i}`, more);
const notReady = { status: { conditions: [{ type: 'Ready', status: 'False' }] } };
const ready = (count: number) => [...Array(count).keys()].map((i) => pod(i));

const budget = (spec: object, status: object = {}): PodDisruptionBudget =>
  ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'b', namespace: 'default', generation: 3 },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
    status,
  }) as PodDisruptionBudget;

type Counts = [allowed: number, healthy: number, desired: number, expected: number];
const cases: [string, object, Pod[], number, Counts][] = [
  ['a number must stay', { minAvailable: 2 }, ready(3), 0, [1, 3, 2, 3]],
  ['nobody is spared', { minAvailable: 3 }, ready(3), 0, [0, 3, 3, 3]],
  ['a share must stay, of what should be', { minAvailable: '50%' }, ready(3), 5, [0, 3, 3, 5]],
  ['a number may be missing', { maxUnavailable: 1 }, ready(3), 3, [1, 3, 2, 3]],
  ['one is missing already', { maxUnavailable: 1 }, ready(2), 3, [0, 2, 2, 3]],
  ['a share may be missing, rounded up', { maxUnavailable: '30%' }, ready(5), 5, [2, 5, 3, 5]],
  ['all may be missing', { maxUnavailable: '100%' }, ready(5), 5, [5, 5, 0, 5]],
  ['only who is ready counts', { minAvailable: 1 }, [pod(1), pod(2, notReady)], 0, [0, 1, 1, 2]],
  [
    'who is going does not count',
    { minAvailable: 1 },
    [pod(1), pod(2, { metadata: { name: 'p2', deletionTimestamp: 'now' } })],
    0,
    [0, 1, 1, 2],
  ],
  ['there are no pods', { minAvailable: 0 }, [], 0, [0, 0, 0, 0]],
];
for (const [name, spec, pods, scale, [allowed, healthy, desired, expected]] of cases) {
  t.test(`allowed: ${name}`, async (t) => {
    const { status } = plan({ budget: budget(spec), pods, scale, nowMs });
    t.match(status, {
      disruptionsAllowed: allowed,
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      observedGeneration: 3,
      conditions: [
        {
          type: 'DisruptionAllowed',
          status: allowed > 0 ? 'True' : 'False',
          reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
        },
      ],
    });
  });
}

t.test('a pod that was let go counts as gone for two minutes', async (t) => {
  const at = (ms: number) => new Date(nowMs - ms).toISOString();
  const held = budget({ minAvailable: 1 }, { disruptedPods: { p0: at(30_000), gone: at(1_000) } });
  const soon = plan({ budget: held, pods: ready(3), scale: 0, nowMs });
  t.match(soon, { status: { disruptionsAllowed: 1, currentHealthy: 2 }, againMs: 90_000 });
  t.strictSame(Object.keys(soon.status.disruptedPods ?? {}), ['p0']);
  const late = plan({ budget: held, pods: ready(3), scale: 0, nowMs: nowMs + 120_000 });
  t.match(late, { status: { disruptionsAllowed: 2, currentHealthy: 3 } });
  t.equal(late.status.disruptedPods, undefined);
  t.strictSame(
    late.stayed.map(({ metadata }) => metadata.name),
    ['p0'],
  );
});

t.test('while it is not known how many there should be nobody may go', async (t) => {
  const held = budget({ maxUnavailable: 1 }, { disruptionsAllowed: 2, currentHealthy: 5 });
  const { status } = plan({ budget: held, pods: ready(5), scale: { problem: 'no scale' }, nowMs });
  t.match(status, {
    disruptionsAllowed: 0,
    currentHealthy: 5,
    conditions: [{ status: 'False', reason: 'SyncFailed', message: 'no scale' }],
  });
});

t.test('nothing new is the same object', async (t) => {
  const first = plan({ budget: budget({ minAvailable: 1 }), pods: ready(2), scale: 0, nowMs });
  const held = budget({ minAvailable: 1 }, first.status);
  const again = plan({ budget: held, pods: ready(2), scale: 0, nowMs: nowMs + 5_000 });
  t.equal(again.status, held.status);
});
