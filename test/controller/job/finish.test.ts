import t from 'tap';
import type { Pod } from '#api/resources/types.ts';
import { plan } from '#controller/job/plan.ts';
import { namesOf } from '../../support/workload-builders.ts';
import { indexed, job, look, nowMs, podsOf, said } from './rig.ts';

const policy = (...rules: object[]) => ({
  podFailurePolicy: { rules },
  podReplacementPolicy: 'Failed',
});
const onExit = (action: string, operator: string, ...values: number[]) => ({
  action,
  onExitCodes: { operator, values },
});
const started = { startTime: '2030-01-01T00:00:00Z' };
const success = (...rules: object[]) => ({ successPolicy: { rules } });

/** [what, spec, pods, what is said of the Job] */
const cases: [string, object, string, string[]][] = [
  ['one failure is no end', { backoffLimit: 1 }, 'a:f', []],
  [
    'one more than the limit is',
    { backoffLimit: 1 },
    'a:f b:f',
    ['FailureTarget BackoffLimitExceeded'],
  ],
  [
    'a pod that is deleted counts as failed',
    { backoffLimit: 0 },
    'a:x',
    ['FailureTarget BackoffLimitExceeded'],
  ],
  [
    'unless the Job waits for its end',
    { backoffLimit: 0, podReplacementPolicy: 'Failed' },
    'a:x',
    [],
  ],
  ['active for too long', { activeDeadlineSeconds: 3600 }, 'a', ['FailureTarget DeadlineExceeded']],
  [
    'a suspended Job has no deadline',
    { activeDeadlineSeconds: 1, suspend: true },
    '',
    ['Suspended JobSuspended'],
  ],
  [
    'an exit code that fails the Job',
    policy(onExit('FailJob', 'In', 42)),
    'a:f!42',
    ['FailureTarget PodFailurePolicy'],
  ],
  ['another exit code does not', policy(onExit('FailJob', 'In', 42)), 'a:f!1', []],
  ['NotIn', policy(onExit('FailJob', 'NotIn', 1)), 'a:f!42', ['FailureTarget PodFailurePolicy']],
  [
    'the first rule that matches decides',
    policy(onExit('Ignore', 'In', 42), onExit('FailJob', 'In', 42)),
    'a:f!42',
    [],
  ],
  [
    'ignored failures are not counted',
    { backoffLimit: 0, ...policy(onExit('Ignore', 'In', 1)) },
    'a:f b:f',
    [],
  ],
  [
    'an index may fail so often',
    indexed(2, { backoffLimitPerIndex: 1, backoffLimit: 99 }),
    '0.a+0:f 1.b',
    [],
  ],
  [
    'and when all indexes are done, the Job has failed',
    indexed(2, { backoffLimitPerIndex: 1, backoffLimit: 99 }),
    '0.a+1:f 1.b:s',
    ['FailureTarget FailedIndexes'],
  ],
  [
    'too many failed indexes',
    indexed(3, { backoffLimitPerIndex: 0, maxFailedIndexes: 0, backoffLimit: 99 }),
    '0.a:f 1.b 2.c',
    ['FailureTarget MaxFailedIndexesExceeded'],
  ],
  ['all indexes', indexed(2), '0.a:s 1.b:s', ['SuccessCriteriaMet CompletionsReached']],
  ['one index twice is not two', indexed(2), '0.a:s 0.b:s', []],
  [
    'some indexes are enough',
    indexed(3, success({ succeededIndexes: '0,2' })),
    '0.a:s 1.b 2.c:s',
    ['SuccessCriteriaMet SuccessPolicy'],
  ],
  ['but not others', indexed(3, success({ succeededIndexes: '0,2' })), '0.a:s 1.b:s 2.c', []],
  [
    'so many are enough',
    indexed(3, success({ succeededCount: 1 })),
    '0.a 1.b:s 2.c',
    ['SuccessCriteriaMet SuccessPolicy'],
  ],
  [
    'so many of these',
    indexed(3, success({ succeededIndexes: '0-1', succeededCount: 1 })),
    '0.a 1.b 2.c:s',
    [],
  ],
];

for (const [what, spec, pods, conditions] of cases) {
  t.test(what, async (t) => t.strictSame(said(look(job(spec, started), pods)), conditions));
}

t.test('what fails a Job is told with the container, its exit code and the rule', async (t) => {
  const of = job(policy(onExit('Ignore', 'In', 7), onExit('FailJob', 'In', 42)), started);
  const [condition] = look(of, 'a:f!42').status?.conditions ?? [];
  t.equal(
    condition?.message,
    'Container main for pod default/a failed with exit code 42 matching FailJob rule at index 1',
  );
});

t.test('a condition of the pod can be ignored', async (t) => {
  const rule = {
    action: 'Ignore',
    onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }],
  };
  const of = job({ backoffLimit: 0, ...policy(rule) }, started);
  const [pod] = podsOf(of, 'a:f') as [Pod];
  pod.status?.conditions?.push({ type: 'DisruptionTarget', status: 'True' });
  const result = plan(of, [pod], nowMs);
  t.strictSame([said(result), namesOf(result.untrack)], [[], ['a']]);
  t.strictSame(result.status?.uncountedTerminatedPods, {});
});

t.test('restarts in place count against the limit', async (t) => {
  const of = job({ backoffLimit: 2 }, started);
  const spec = of.spec?.template.spec;
  if (spec) spec.restartPolicy = 'OnFailure';
  const [pod] = podsOf(of, 'a') as [Pod];
  const restarted = (restartCount: number) => ({
    ...pod,
    status: { ...pod.status, containerStatuses: [{ name: 'main', restartCount }] } as never,
  });
  t.strictSame(said(plan(of, [restarted(1)], nowMs)), []);
  t.strictSame(said(plan(of, [restarted(2)], nowMs)), ['FailureTarget BackoffLimitExceeded']);
});

t.test('what still runs when a Job fails counts as failed and goes', async (t) => {
  const of = job({ backoffLimit: 0, parallelism: 2, completions: 2 }, started);
  const result = look(of, 'a:f b');
  t.strictSame(result.status?.uncountedTerminatedPods, { failed: ['uid-a', 'uid-b'] });
  t.strictSame(namesOf(result.remove), ['b']);
  const after = look(job(of.spec, result.status), 'a:f- b:x-');
  t.strictSame(said(after), ['FailureTarget BackoffLimitExceeded'], 'b is not gone yet');
  const last = look(job(of.spec, after.status), 'a:f-');
  t.ok(said(last).includes('Failed BackoffLimitExceeded'));
  t.match(last.status, { failed: 2 });
  t.match(last.tell, [
    {
      type: 'Warning',
      reason: 'BackoffLimitExceeded',
      message: 'Job has reached the specified backoff limit',
    },
  ]);
});

t.test('what still runs when a Job succeeds goes and is no failure', async (t) => {
  const of = job(indexed(2, success({ succeededIndexes: '0' })), started);
  const result = look(of, '0.a:s 1.b');
  t.strictSame(namesOf(result.remove), ['b']);
  t.match(result.status, { completedIndexes: '0', succeeded: 1 });
  const last = look(job(of.spec, result.status), '0.a:s-');
  t.strictSame(said(last), ['SuccessCriteriaMet SuccessPolicy', 'Complete SuccessPolicy']);
  t.equal(last.status?.failed, undefined);
});

const perIndex = indexed(3, { backoffLimitPerIndex: 1, backoffLimit: 99 });

t.test('an index that failed is tried again with the number of its failures', async (t) => {
  const { create, untrack } = look(job(perIndex, started), '0.a+0:f 1.b 2.c');
  t.match(
    create.map(({ metadata }) => metadata.annotations),
    [
      {
        'batch.kubernetes.io/job-completion-index': '0',
        'batch.kubernetes.io/job-index-failure-count': '1',
      },
    ],
  );
  t.strictSame(untrack, [], 'the failed one stays until its successor is there');
  const next = look(job(perIndex, started), '0.a+0:f 0.d+1 1.b 2.c');
  t.strictSame([next.create.length, namesOf(next.untrack)], [0, ['a']]);
});

t.test('FailIndex fails the index at once', async (t) => {
  const spec = indexed(2, {
    backoffLimitPerIndex: 5,
    backoffLimit: 99,
    ...policy(onExit('FailIndex', 'In', 42)),
  });
  const { status, create } = look(job(spec, started), '0.a+0:f!42 1.b');
  t.match(status, { failedIndexes: '0' });
  t.strictSame(create, []);
});
