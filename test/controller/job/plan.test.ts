import t from 'tap';
import type { Pod } from '#api/resources/types.ts';
import { formatIndexes, parseIndexes } from '#controller/job/indexes.ts';
import { plan } from '#controller/job/plan.ts';
import { trackingFinalizer } from '#controller/job/tracking.ts';
import { namesOf } from '../../support/workload-builders.ts';
import { indexed, job, look, nowMs, podsOf, said } from './rig.ts';

t.test('indexes are told as ranges and read again', async (t) => {
  for (const [indexes, text] of [
    [[], ''],
    [[3], '3'],
    [[1, 0], '0,1'],
    [[0, 2, 3, 4, 9], '0,2-4,9'],
  ] as const) {
    t.equal(formatIndexes(new Set(indexes)), text);
    t.strictSame(parseIndexes(text, 100), new Set([...indexes].sort()));
  }
  t.strictSame(parseIndexes('0-1000000,junk', 2), new Set([0, 1]), 'no further than there are');
});

const indexesOf = (pods: ReturnType<typeof look>['create']) =>
  pods.map(({ metadata }) => metadata.annotations?.['batch.kubernetes.io/job-completion-index']);

/** [what, spec, pods there, how many are made, which are dismissed] */
const cases: [string, object, string, number, string[]][] = [
  ['one by default', {}, '', 1, []],
  ['as many at once as may be', { parallelism: 2, completions: 5 }, '', 2, []],
  ['no more than are left to do', { parallelism: 5, completions: 2 }, 'a', 1, []],
  ['those that succeeded need no other', { parallelism: 5, completions: 3 }, 'a:s b', 1, []],
  [
    'without completions until one has succeeded',
    { parallelism: 3, completions: undefined },
    'a b',
    1,
    [],
  ],
  ['and then none', { parallelism: 3, completions: undefined }, 'a:s b', 0, []],
  [
    'a pod that is leaving is replaced',
    { completions: 2, parallelism: 2, backoffLimit: 9 },
    'a bx',
    0,
    [],
  ],
  ['fewer at once: the youngest go', { parallelism: 1, completions: 3 }, 'a b:p', 0, ['b']],
  ['suspended: all go', { suspend: true }, 'a', 0, ['a']],
  ['an index that two have: one goes', indexed(2), '0.a 0.b 1.c', 0, ['a']],
  ['an index that is not wanted goes', indexed(1), '0.a 4.b', 0, ['b']],
];

for (const [what, spec, pods, count, dismissed] of cases) {
  t.test(what, async (t) => {
    const { create, dismiss } = look(job(spec), pods);
    t.strictSame([create.length, namesOf(dismiss)], [count, dismissed]);
  });
}

t.test(
  'a pod has the finalizer, the owner, and the same name when it is planned again',
  async (t) => {
    const one = job();
    const [pod] = look(one).create;
    t.match(pod?.metadata, {
      name: /^work-[a-z0-9]{5}$/,
      finalizers: [trackingFinalizer],
      ownerReferences: [{ kind: 'Job', name: 'work', uid: 'uid-work', controller: true }],
    });
    const later = { ...one, metadata: { ...one.metadata, resourceVersion: '9' } };
    t.strictSame(look(later).create, [pod], 'whatever was written meanwhile');
  },
);

t.test('the name of an index follows from the index alone', async (t) => {
  const one = job(indexed(3));
  const [, second] = look(one).create;
  t.equal(look(one, '0.a 2.b').create[0]?.metadata.name, second?.metadata.name);
});

t.test('an indexed pod is told its index in every way', async (t) => {
  const { create } = look(job(indexed(3)), '1.a:s');
  t.strictSame(indexesOf(create), ['0', '2']);
  const [, pod] = create;
  const variable = {
    name: 'JOB_COMPLETION_INDEX',
    valueFrom: {
      fieldRef: { fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']" },
    },
  };
  t.match(pod, {
    metadata: {
      name: /^work-2-[a-z0-9]{5}$/,
      labels: { 'batch.kubernetes.io/job-completion-index': '2' },
    },
    spec: { hostname: 'work-2', containers: [{ env: [variable] }] },
  });
});

t.test('a pod is noted, then it loses its finalizer, then it is counted', async (t) => {
  const spec = { completions: 3, backoffLimit: 9 };
  const first = look(job(spec), 'a:s b:f');
  t.match(first.status, {
    uncountedTerminatedPods: { succeeded: ['uid-a'], failed: ['uid-b'] },
  });
  t.equal(first.status?.succeeded, undefined);
  t.strictSame(namesOf(first.untrack), ['a', 'b']);
  const again = look(job(spec, first.status), 'a:s b:f');
  t.strictSame(again.status?.uncountedTerminatedPods, first.status?.uncountedTerminatedPods);
  const half = look(job(spec, first.status), 'a:s- b:f');
  t.match(half.status, { succeeded: 1, uncountedTerminatedPods: { failed: ['uid-b'] } });
  t.equal(half.status?.failed, undefined);
  const gone = look(job(spec, half.status), '');
  t.match(gone.status, { succeeded: 1, failed: 1 });
  t.strictSame(gone.status?.uncountedTerminatedPods, {});
});

t.test('no more than 500 pods are noted at once; the rest keeps its finalizer', async (t) => {
  const names = Array.from({ length: 600 }, (_, i) => `p${i}:s`).join(' ');
  const { status, untrack } = look(job({ completions: 1000, parallelism: 1000 }), names);
  t.equal(status?.uncountedTerminatedPods?.succeeded?.length, 500);
  t.equal(untrack.length, 500);
});

t.test('it completes when all are counted and gone, not before', async (t) => {
  const first = look(job(), 'a:s');
  t.strictSame(said(first), ['SuccessCriteriaMet CompletionsReached']);
  const last = look(job({}, first.status), 'a:s-');
  t.strictSame(said(last), [
    'SuccessCriteriaMet CompletionsReached',
    'Complete CompletionsReached',
  ]);
  t.match(last.status, {
    succeeded: 1,
    ready: 0,
    terminating: 0,
    completionTime: '2030-01-01T01:00:00Z',
  });
  t.equal(last.status?.active, undefined);
  t.match(last.tell, [{ type: 'Normal', reason: 'Completed', message: 'Job completed' }]);
  const after = look(job({}, last.status), 'a:s-');
  t.match(after, { status: undefined, create: [], untrack: [], remove: [] });
});

t.test('it waits for pods that are still terminating', async (t) => {
  const first = look(job({ completions: 1, parallelism: 2 }), 'a:s- b:x-');
  const { status } = first;
  t.equal(status?.terminating, 1);
  const counted = { ...status, succeeded: 1 };
  t.strictSame(said(look(job({}, counted), 'b:x-')), ['SuccessCriteriaMet CompletionsReached']);
  t.ok(said(look(job({}, counted), '')).includes('Complete CompletionsReached'));
});

t.test('the next pod after a failure waits longer each time', async (t) => {
  const status = (failed: number) => ({ startTime: '2030-01-01T00:00:00Z', failed });
  // The failures were half an hour ago: nothing is left to wait for.
  t.equal(look(job({}, status(1)), 'a:f-').create.length, 1);
  const pods = podsOf(job(), 'a:f- b:f-');
  for (const pod of pods) {
    const terminated = pod.status?.containerStatuses?.[0]?.state?.terminated as {
      finishedAt: string;
    };
    terminated.finishedAt = '2030-01-01T00:59:55Z';
  }
  const result = plan(job({}, status(2)), pods, nowMs);
  t.strictSame([result.create.length, result.againMs], [0, 15_000], '20 s after the second');
});

t.test(
  'a failed pod that tells nothing of its end does not hold the next up for ever',
  async (t) => {
    const [pod] = podsOf(job(), 'a:f-') as [Pod];
    const evicted = { ...pod, status: { phase: 'Failed' } as NonNullable<Pod['status']> };
    t.equal(plan(job({}, { failed: 1 }), [evicted], nowMs).create.length, 1);
  },
);

t.test('the deadline is looked at in time', async (t) => {
  const status = { startTime: '2030-01-01T00:59:00Z' };
  t.equal(look(job({ activeDeadlineSeconds: 100 }, status), 'a').againMs, 40_000);
  t.equal(look(job({ activeDeadlineSeconds: 100 }), 'a').againMs, 100_000, 'from the start on');
});

t.test('suspending tells of it and does not start; resuming starts anew', async (t) => {
  const asleep = look(job({ suspend: true }));
  t.strictSame(said(asleep), ['Suspended JobSuspended']);
  t.equal(asleep.status?.startTime, undefined);
  t.match(asleep.tell, [{ reason: 'Suspended', message: 'Job suspended' }]);
  const before = { ...asleep.status, startTime: '2029-01-01T00:00:00Z' };
  const awake = look(job({}, before));
  t.match(awake.status, {
    startTime: '2030-01-01T01:00:00Z',
    conditions: [{ type: 'Suspended', status: 'False', reason: 'JobResumed' }],
  });
  t.match(awake.tell, [{ reason: 'Resumed', message: 'Job resumed' }]);
});

t.test('a Job that is being deleted makes nothing and holds no pod back', async (t) => {
  const going = job({ completions: 3 });
  going.metadata.deletionTimestamp = '2030-01-01T00:59:00Z';
  const { create, remove, untrack } = look(going, 'a b:s');
  t.strictSame([create, remove, namesOf(untrack)], [[], [], ['a', 'b']]);
});
