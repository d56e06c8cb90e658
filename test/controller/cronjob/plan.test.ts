import t from 'tap';
import { ownerReferenceTo } from '#api/resources/meta.ts';
import type { CronJob, Job } from '#api/resources/types.ts';
import { plan } from '#controller/cronjob/plan.ts';
import { aCronJob, aJob, namesOf } from '../../support/workload-builders.ts';

const noon = Date.parse('2030-01-01T12:00:00Z');
const born = '2030-01-01T11:58:30Z';

function often(spec = {}, status: CronJob['status'] = undefined): CronJob {
  const made = aCronJob('often', '* * * * *', { timeZone: 'UTC', ...spec });
  const metadata = { ...made.metadata, uid: 'uid-often', creationTimestamp: born };
  return { ...made, metadata, ...(status === undefined ? {} : { status }) };
}

/** Made for this minute of the hour; `done` is `Complete` or `Failed`. */
function child(minute: number, done?: string, at = '11'): Job {
  const made = aJob(`often-${at}-${minute}`);
  const time = `2030-01-01T${at}:${String(minute).padStart(2, '0')}:00Z`;
  const annotations = { 'batch.kubernetes.io/cronjob-scheduled-timestamp': time };
  return {
    ...made,
    metadata: {
      ...made.metadata,
      uid: `uid-${minute}`,
      annotations,
      ownerReferences: [ownerReferenceTo(often())],
    },
    status: {
      startTime: time,
      ...(done === undefined
        ? {}
        : { conditions: [{ type: done, status: 'True' }], completionTime: time }),
    },
  };
}

const reasons = (cronJob: CronJob, jobs: Job[] = [], nowMs = noon) =>
  plan(cronJob, jobs, nowMs).tell.map(({ reason }) => reason);

t.test('a Job is made when it is due, under a name of its time', async (t) => {
  const { create, againMs } = plan(often(), [], noon + 5);
  t.match(create?.job, {
    metadata: {
      name: `often-${noon / 60_000}`,
      namespace: 'default',
      labels: { cron: 'often' },
      annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2030-01-01T12:00:00Z' },
      ownerReferences: [{ kind: 'CronJob', name: 'often', controller: true }],
    },
    spec: { backoffLimit: 6 },
  });
  t.ok(againMs !== undefined && againMs > 59_000 && againMs < 60_100, `${againMs}`);
});

t.test('of several missed times the last is made up for', async (t) => {
  t.equal(plan(often(), [], noon + 150_000).create?.scheduledMs, noon + 120_000);
  t.strictSame(reasons(often(), [], noon + 7_200_000), ['TooManyMissedTimes']);
  t.ok(plan(often(), [], noon + 7_200_000).create, 'and is made all the same');
});

t.test('nothing is made before it is due, twice, too late, or while it sleeps', async (t) => {
  t.equal(plan(often(), [], Date.parse(born) + 10_000).create, undefined);
  const started = { lastScheduleTime: '2030-01-01T12:00:00Z' };
  t.equal(plan(often({}, started), [], noon + 30_000).create, undefined);
  t.equal(plan(often({ startingDeadlineSeconds: 10 }), [], noon + 30_000).create, undefined);
  t.ok(plan(often({ startingDeadlineSeconds: 10 }), [], noon + 10_000).create);
  t.equal(plan(often({ suspend: true }), [], noon).create, undefined);
});

t.test('while one runs: Allow adds, Forbid waits, Replace replaces', async (t) => {
  const running = child(59);
  const active = { active: [{ name: running.metadata.name, uid: 'uid-59' }] };
  const after = (concurrencyPolicy: string) => {
    const { create, replace } = plan(
      often({ concurrencyPolicy }, active as never),
      [running],
      noon,
    );
    return [create !== undefined, replace.length];
  };
  t.strictSame(after('Allow'), [true, 0]);
  t.strictSame(after('Forbid'), [false, 0]);
  t.strictSame(after('Replace'), [true, 1]);
  const forbid = often({ concurrencyPolicy: 'Forbid' }, active as never);
  t.strictSame(reasons(forbid, [running]), ['JobAlreadyActive']);
  t.ok(plan(forbid, [child(59, 'Complete')], noon).create, 'it comes when the other has ended');
});

t.test('the status follows the Jobs', async (t) => {
  const active = [57, 58, 59].map((minute) => ({ name: `j${minute}`, uid: `uid-${minute}` }));
  const cronJob = often({ suspend: true }, { active } as never);
  const { status, tell } = plan(cronJob, [child(58, 'Complete'), child(59)], noon);
  t.match(status, {
    active: [{ uid: 'uid-59' }],
    lastSuccessfulTime: '2030-01-01T11:58:00Z',
    lastScheduleTime: '2030-01-01T11:59:00Z',
  });
  t.strictSame(
    tell.map(({ message }) => message),
    ['Active job went missing: j57', 'Saw completed job: j58, condition: Complete'],
  );
});

t.test('a Job that was made and not noted is noted; one made by hand is told of', async (t) => {
  const { status } = plan(often({ suspend: true }), [child(59)], noon);
  t.match(status, { active: [{ uid: 'uid-59' }], lastScheduleTime: '2030-01-01T11:59:00Z' });
  const manual = child(58);
  manual.metadata.annotations = { 'cronjob.kubernetes.io/instantiate': 'manual' };
  t.strictSame(reasons(often({ suspend: true }), [manual]), ['UnexpectedJob']);
});

t.test('history is kept as long as the limits say, the oldest goes first', async (t) => {
  const jobs = [
    ...[10, 11, 12, 13].map((minute) => child(minute, 'Complete')),
    ...[20, 21].map((minute) => child(minute, 'Failed')),
    child(30),
  ];
  const cronJob = often({
    suspend: true,
    successfulJobsHistoryLimit: 2,
    failedJobsHistoryLimit: 0,
  });
  t.strictSame(namesOf(plan(cronJob, jobs, noon).forget), [
    'often-11-10',
    'often-11-11',
    'often-11-20',
    'often-11-21',
  ]);
});

t.test('times are in the zone', async (t) => {
  const berlin = often({ schedule: '0 13 * * *', timeZone: 'Europe/Berlin' });
  const { job } = plan(berlin, [], noon + 5).create ?? {};
  const annotations = job?.metadata.annotations ?? {};
  t.equal(
    annotations['batch.kubernetes.io/cronjob-scheduled-timestamp'],
    '2030-01-01T13:00:00+01:00',
  );
});

t.test('a schedule or a zone that cannot be read is told, and nothing is made', async (t) => {
  for (const [spec, reason] of [
    [{ schedule: 'x' }, 'UnparseableSchedule'],
    [{ timeZone: 'Mars/Olympus' }, 'UnknownTimeZone'],
  ] as const) {
    const result = plan(often(spec), [], noon);
    t.strictSame(
      [result.create, result.againMs, reasons(often(spec))],
      [undefined, undefined, [reason]],
    );
  }
  t.equal(plan(often({ schedule: '0 0 31 2 *' }), [], noon).againMs, undefined, 'it never comes');
});
