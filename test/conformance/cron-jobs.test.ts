/** CronJobs as the profile sees them, a minute passing in less than a second. */
import t from 'tap';
import { cronJobs, events, jobs } from '#api/resources/resource-types.ts';
import type { CronJob, Event, Job } from '#api/resources/types.ts';
import { cronJobController } from '#controller/cronjob/controller.ts';
import { jobController } from '#controller/job/controller.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { namesOf, type Space, startRig, template } from './workload-rig.ts';

const rig = await startRig([schedulerController, jobController, cronJobController], { speed: 100 });

type Tap = Pick<typeof t, 'equal' | 'match' | 'not' | 'notOk' | 'ok' | 'strictSame'>;
t.jobs = 4;
let count = 0;
const test = (name: string, body: (t: Tap, space: Space) => Promise<void>) => {
  count += 1;
  const space = `cron-${count}`;
  t.test(`CronJob ${name}`, { buffered: true, timeout: 240_000 }, async (t) =>
    body(t, await rig.space(space)),
  );
};

const make = (space: Space, spec = {}) => {
  const pod = template('work', 'busybox', { restartPolicy: 'OnFailure' });
  const jobTemplate = { spec: { template: pod } };
  return space.create<CronJob>(cronJobs, 'often', { schedule: '* * * * *', jobTemplate, ...spec });
};
const jobsOf = async (space: Space) =>
  (await space.of<Job>(jobs).list({ namespace: space.namespace })).items;
const active = (space: Space, enough: number) =>
  space.object<CronJob>(
    cronJobs,
    'often',
    `${enough} active`,
    ({ status }) => (status?.active?.length ?? 0) >= enough,
  );

test('should schedule multiple jobs concurrently', async (t, space) => {
  await make(space, { concurrencyPolicy: 'Allow' });
  await active(space, 2);
  t.ok((await jobsOf(space)).length >= 2);
});

test('should not schedule jobs when suspended', async (t, space) => {
  await make(space, { suspend: true });
  // Two minutes of the controllers' time, in which the one beside it has started two.
  const other = await rig.space(`${space.namespace}-beside`);
  await make(other);
  await active(other, 2);
  t.strictSame(await jobsOf(space), []);
});

test('should not schedule new jobs when ForbidConcurrent', async (t, space) => {
  await make(space, { concurrencyPolicy: 'Forbid' });
  await active(space, 1);
  await space.until(
    'word of the next that was not started',
    async () => (await space.of<Event>(events).list({ namespace: space.namespace })).items,
    (found) => found.some(({ reason }) => reason === 'JobAlreadyActive'),
  );
  t.equal((await jobsOf(space)).length, 1);
});

test('should replace jobs when ReplaceConcurrent', async (t, space) => {
  await make(space, { concurrencyPolicy: 'Replace' });
  const first = (await active(space, 1)).status?.active?.[0]?.name;
  const next = await space.object<CronJob>(cronJobs, 'often', 'replaced', ({ status }) => {
    const [job] = status?.active ?? [];
    return job !== undefined && job.name !== first;
  });
  t.equal(next.status?.active?.length, 1);
  t.notOk(namesOf(await jobsOf(space)).includes(first ?? ''));
});
