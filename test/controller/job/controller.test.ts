import t from 'tap';
import { events, jobs, nodes, pods } from '#api/resources/resource-types.ts';
import { failure } from '#api/resources/status.ts';
import type { Event, Job, Pod } from '#api/resources/types.ts';
import { jobController } from '#controller/job/controller.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { aNode } from '../../support/builders.ts';
import { playAgent, running } from '../../support/controllers.ts';
import { crashEverywhere } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';
import { aJob } from '../../support/workload-builders.ts';
import { end, indexed } from './rig.ts';

const work = { name: 'work', namespace: 'default' };
const jobsOf = (api: MemoryApi) => api.collection<Job>(jobs);
const podList = (api: MemoryApi) => api.store.all(pods) as Pod[];
const trueOf = (job: Job) =>
  (job.status?.conditions ?? []).filter(({ status }) => status === 'True').map(({ type }) => type);
const isOf = (index: number) => (pod: Pod) =>
  pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'] === String(index);

async function setUp(spec = {}) {
  const run = running(jobController);
  run.start();
  const { uid: _, ...metadata } = aJob('work').metadata;
  await jobsOf(run.api).create({ ...aJob('work', spec), metadata });
  const rest = async (rounds = 4, exitCode?: number) => {
    for (let round = 0; round < rounds; round += 1) {
      await run.settle();
      playAgent(run.api, run.clock);
      await run.settle();
      if (exitCode !== undefined) end(run.api, run.clock.now(), exitCode);
    }
    await run.settle();
  };
  return { ...run, rest, get: () => jobsOf(run.api).get(work) };
}

t.test('it runs as many as may be at once until so many have succeeded', async (t) => {
  const { api, rest, get } = await setUp({ completions: 5, parallelism: 2 });
  await rest(1);
  t.match((await get()).status, { active: 2, ready: 2 });
  await rest(6, 0);
  const { status } = await get();
  t.match(status, { succeeded: 5, ready: 0, terminating: 0, uncountedTerminatedPods: {} });
  t.strictSame(trueOf(await get()), ['SuccessCriteriaMet', 'Complete']);
  t.equal(podList(api).length, 5, 'ended pods stay for their logs');
  t.ok(podList(api).every(({ metadata }) => metadata.finalizers === undefined));
  const told = (api.store.all(events) as Event[]).map(({ reason }) => reason);
  t.strictSame(told.filter((reason) => reason === 'SuccessfulCreate').length, 5);
  t.ok(told.includes('Completed'));
});

t.test('failures are retried later and later, then it fails', async (t) => {
  const { api, rest, get, settle, clock } = await setUp({ backoffLimit: 1 });
  await rest(1);
  end(api, clock.now(), 1);
  await settle(5_000);
  t.equal(podList(api).length, 1, 'not at once');
  await settle(10_000);
  t.equal(podList(api).length, 2);
  await rest(2, 1);
  t.strictSame(trueOf(await get()), ['FailureTarget', 'Failed']);
  t.match((await get()).status, { failed: 2 });
  await settle(600_000);
  t.equal(podList(api).length, 2);
});

t.test('the deadline ends it by the clock alone', async (t) => {
  const { api, rest, get, settle } = await setUp({ activeDeadlineSeconds: 30 });
  await rest(1);
  await settle(31_000);
  playAgent(api, { now: () => 0 } as never);
  await settle();
  t.strictSame(trueOf(await get()), ['FailureTarget', 'Failed']);
  t.equal((await get()).status?.conditions?.[0]?.reason, 'DeadlineExceeded');
  t.equal(podList(api).length, 0);
});

t.test('suspending stops its pods without counting them, resuming goes on', async (t) => {
  const { api, rest, get } = await setUp({ backoffLimit: 0 });
  await rest(1);
  await jobsOf(api).patch(work, { spec: { suspend: true } }, 'merge');
  await rest(2);
  t.equal(podList(api).length, 0);
  t.strictSame(trueOf(await get()), ['Suspended']);
  t.equal((await get()).status?.failed, undefined);
  await jobsOf(api).patch(work, { spec: { suspend: false } }, 'merge');
  await rest(2, 0);
  t.strictSame(trueOf(await get()), ['SuccessCriteriaMet', 'Complete']);
});

t.test('each index has its own retries', async (t) => {
  const spec = indexed(2, { backoffLimitPerIndex: 1, backoffLimit: 99 });
  const { api, clock, rest, get, settle } = await setUp(spec);
  await rest(1);
  end(api, clock.now(), 0, isOf(1));
  end(api, clock.now(), 1, isOf(0));
  await settle(11_000);
  t.equal(podList(api).filter(isOf(0)).length, 2);
  await rest(2, 1);
  const { status } = await get();
  t.match(status, { completedIndexes: '1', failedIndexes: '0', succeeded: 1, failed: 2 });
  t.equal(status?.conditions?.find(({ type }) => type === 'Failed')?.reason, 'FailedIndexes');
});

t.test('pods of a Job that is gone, or that were let go, lose the finalizer', async (t) => {
  const { api, rest, settle } = await setUp();
  await rest(1);
  await jobsOf(api).delete(work);
  await settle();
  t.ok(podList(api).every(({ metadata }) => metadata.finalizers === undefined));
});

t.test(
  'an orphan is adopted with the finalizer; what is selected no more is let go without',
  async (t) => {
    const { api, rest, settle } = await setUp();
    await rest(1);
    const [pod] = podList(api) as [Pod];
    const ref = { name: pod.metadata.name, namespace: 'default' };
    const collection = api.collection<Pod>(pods);
    await collection.patch(ref, { metadata: { ownerReferences: null } }, 'merge');
    await settle();
    const adopted = await collection.get(ref);
    t.match(adopted.metadata, { ownerReferences: [{ name: 'work' }] });
    t.equal(adopted.metadata.finalizers?.length, 1);
    await collection.patch(ref, { metadata: { labels: null } }, 'merge');
    await settle();
    const released = (await collection.get(ref)).metadata;
    t.strictSame([released.ownerReferences ?? [], released.finalizers ?? []], [[], []]);
  },
);

t.test('a Job that another controller manages is left alone', async (t) => {
  const { api, rest } = await setUp({ managedBy: 'example.com/other' });
  await rest(2);
  t.strictSame([podList(api), (await jobsOf(api).get(work)).status], [[], undefined]);
});

t.test('a pod is not made twice because an answer was lost', async (t) => {
  const run = running(jobController);
  const collection = run.api.collection.bind(run.api);
  let lost = 1;
  run.api.collection = ((type) => {
    const inner = collection(type);
    if (type.plural !== 'pods') return inner;
    const create = inner.create.bind(inner);
    inner.create = async (object) => {
      const reply = await create(object);
      lost -= 1;
      if (lost === 0) throw failure(503, 'ServiceUnavailable', 'the answer broke off');
      return reply;
    };
    return inner;
  }) as typeof run.api.collection;
  run.api.seed(jobs, aJob('work'));
  run.start();
  await run.settle(5_000);
  t.equal(podList(run.api).length, 1);
});

t.test('at rest nothing is written', async (t) => {
  const { api, rest, settle } = await setUp();
  await rest(2);
  const { revision } = api.store;
  await settle(3_600_000);
  t.equal(api.store.revision, revision);
});

for (const [mode, spec] of [
  ['NonIndexed', { completions: 3, parallelism: 2 }],
  ['Indexed', indexed(3, { parallelism: 2, backoffLimitPerIndex: 1, backoffLimit: 99 })],
] as const) {
  t.test(`a crash between any two writes changes nothing in the end: ${mode}`, async (t) => {
    const { uid: _, ...metadata } = aJob('work').metadata;
    const made = { ...aJob('work', spec), metadata };
    // Long ago, so that no back-off is left to wait for.
    const ending = (code: number) => (api: MemoryApi) => end(api, Date.now() - 3_600_000, code);
    const scenario = {
      controllers: [jobController, schedulerController],
      steps: [
        (api: MemoryApi) => api.seed(nodes, aNode('a')),
        (api: MemoryApi) => jobsOf(api).create(made),
        ...[1, 0, 0, 0].map(ending),
      ],
      picture: (api: MemoryApi) => {
        const {
          startTime: _,
          completionTime: __,
          conditions,
          ...counts
        } = (api.store.find(jobs, work) as Job).status ?? {};
        return {
          counts,
          conditions: conditions?.map(({ type, status, reason }) => [type, status, reason]),
          pods: podList(api)
            .map(({ metadata, status }) => [status?.phase, metadata.finalizers])
            .sort(),
        };
      },
    };
    const writes = await crashEverywhere(scenario, (result, undisturbed, crash) =>
      t.strictSame(result, undisturbed, crash),
    );
    t.ok(writes > 20, `${writes} writes`);
  });
}
