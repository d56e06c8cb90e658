import t from 'tap';
import { cronJobs, events, jobs } from '#api/resources/resource-types.ts';
import { failure } from '#api/resources/status.ts';
import type { CronJob, Event, Job } from '#api/resources/types.ts';
import { cronJobController } from '#controller/cronjob/controller.ts';
import { ttlAfterFinishedController } from '#controller/ttl-after-finished/controller.ts';
import { running } from '../../support/controllers.ts';
import { crashEverywhere } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';
import { aCronJob, aJob } from '../../support/workload-builders.ts';

const often = { name: 'often', namespace: 'default' };
const jobList = (api: MemoryApi) => api.store.all(jobs) as Job[];
const minute = 60_000;

async function setUp(spec = {}) {
  const run = running(cronJobController);
  run.start();
  const collection = run.api.collection<CronJob>(cronJobs);
  const creationTimestamp = new Date(run.clock.now()).toISOString();
  run.api.seed(cronJobs, {
    ...aCronJob('often', '* * * * *', { timeZone: 'UTC', ...spec }),
    metadata: { ...often, creationTimestamp },
  } as CronJob);
  await run.settle();
  return { ...run, get: () => collection.get(often), collection };
}

/** The Job has ended. */
function finish(api: MemoryApi, job: Job | undefined, atMs: number, type = 'Complete'): void {
  const now = new Date(atMs).toISOString();
  const condition = { type, status: 'True', lastTransitionTime: now };
  const status = { conditions: [condition], completionTime: now, startTime: now };
  api.store.put(jobs, { ...job, status } as unknown as Job);
}

t.test('a Job comes every minute', async (t) => {
  const { api, get, settle } = await setUp();
  await settle(5 * minute);
  t.equal(jobList(api).length, 5);
  const { status } = await get();
  t.equal(status?.active?.length, 5);
  t.equal(Date.parse(status?.lastScheduleTime ?? '') % minute, 0);
});

t.test('Forbid lets one run at a time, and the next come as soon as it may', async (t) => {
  const { api, clock, settle } = await setUp({ concurrencyPolicy: 'Forbid' });
  await settle(5 * minute);
  t.equal(jobList(api).length, 1);
  finish(api, jobList(api)[0], clock.now());
  await settle(1_000);
  t.equal(jobList(api).length, 2);
});

t.test('Replace deletes what runs', async (t) => {
  const { api, get, settle } = await setUp({ concurrencyPolicy: 'Replace' });
  await settle(3 * minute);
  t.equal(jobList(api).length, 1);
  t.equal((await get()).status?.active?.[0]?.uid, jobList(api)[0]?.metadata.uid);
});

t.test(
  'asleep it makes nothing, and does not make up for more than the last when it wakes',
  async (t) => {
    const { api, clock, collection, settle } = await setUp({ suspend: true });
    // Half past a minute: the next one must not come while it wakes.
    await settle(10 * minute + 30_000 - (clock.now() % minute));
    t.equal(jobList(api).length, 0);
    await collection.patch(often, { spec: { suspend: false } }, 'merge');
    await settle(1_000);
    t.equal(jobList(api).length, 1);
  },
);

t.test('what cannot be made is told, and made when the cause has gone', async (t) => {
  const { api, settle } = await setUp();
  api.fault = ({ verb, type }) => {
    if (verb === 'create' && type === jobs) throw failure(403, 'Forbidden', 'exceeded quota');
  };
  await settle(minute + 1_000);
  const told = (api.store.all(events) as Event[]).map(({ reason, message }) => [reason, message]);
  t.strictSame(told, [['FailedCreate', 'Error creating job: exceeded quota']]);
  api.fault = () => undefined;
  await settle(2 * minute);
  t.ok(jobList(api).length >= 1);
});

t.test('Jobs go some time after they have ended, not before', async (t) => {
  const run = running(ttlAfterFinishedController);
  run.start();
  run.api.seed(jobs, aJob('brief', { ttlSecondsAfterFinished: 60 }), aJob('kept'));
  for (const job of jobList(run.api)) finish(run.api, job, run.clock.now());
  const present = () =>
    jobList(run.api)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name);
  await run.settle(58_000);
  t.strictSame(present(), ['brief', 'kept']);
  await run.settle(3_000);
  t.strictSame(present(), ['kept']);
  const gone = jobList(run.api).find(({ metadata }) => metadata.name === 'brief');
  t.strictSame(gone?.metadata.finalizers, ['foregroundDeletion'], 'with its pods before it');
});

t.test('a crash between any two writes changes nothing in the end', async (t) => {
  // Yesterday, so that one time is due when it comes, whatever the clock says.
  const creationTimestamp = new Date(Date.now() - 86_400_000).toISOString();
  const spec = { timeZone: 'UTC', concurrencyPolicy: 'Replace', successfulJobsHistoryLimit: 0 };
  const scenario = {
    controllers: [cronJobController],
    steps: [
      (api: MemoryApi) =>
        api.seed(cronJobs, {
          ...aCronJob('often', '0 0 1 1 *', spec),
          metadata: { ...often, creationTimestamp: '2020-01-01T12:00:00Z' },
        } as CronJob),
      (api: MemoryApi) =>
        api.seed(cronJobs, {
          ...aCronJob('daily', '0 0 * * *', spec),
          metadata: { name: 'daily', namespace: 'default', creationTimestamp },
        } as CronJob),
      (api: MemoryApi) => finish(api, jobList(api)[0], Date.now()),
    ],
    picture: (api: MemoryApi) => ({
      jobs: jobList(api).map(({ metadata }) => metadata.name),
      status: (api.store.all(cronJobs) as CronJob[]).map(({ status }) => [
        status?.active?.map(({ name }) => name),
        status?.lastScheduleTime,
      ]),
    }),
  };
  const writes = await crashEverywhere(scenario, (result, undisturbed, crash) =>
    t.strictSame(result, undisturbed, crash),
  );
  t.ok(writes >= 5, `${writes} writes`);
});
