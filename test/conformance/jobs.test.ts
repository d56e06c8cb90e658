/** Jobs as the profile sees them, their pods played and the back-offs passed in a moment. */
import t from 'tap';
import { jobs, pods } from '#api/resources/resource-types.ts';
import type { Job, Pod } from '#api/resources/types.ts';
import { garbageController } from '#controller/garbage/controller.ts';
import { jobController } from '#controller/job/controller.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import type { Behaviour } from '../support/played-cluster.ts';
import { namesOf, type Space, startRig, template } from './workload-rig.ts';

const rig = await startRig([schedulerController, jobController, garbageController], { speed: 50 });
/** How pods behave, by namespace; `index` is -1 for pods without one. */
const ways = new Map<string, (index: number, pod: Pod) => Behaviour>();
const indexKey = 'batch.kubernetes.io/job-completion-index';
rig.cluster.behave = (pod) => {
  const { namespace = '', annotations } = pod.metadata;
  return ways.get(namespace)?.(Number(annotations?.[indexKey] ?? -1), pod) ?? 'ready';
};

type Tap = Pick<typeof t, 'equal' | 'match' | 'not' | 'ok' | 'strictSame'>;
t.jobs = 8;
let count = 0;
const test = (name: string, body: (t: Tap, space: Space) => Promise<void>) => {
  count += 1;
  const space = `job-${count}`;
  t.test(`Job ${name}`, { buffered: true, timeout: 240_000 }, async (t) =>
    body(t, await rig.space(space)),
  );
};

const make = (
  space: Space,
  spec = {},
  way: (index: number, pod: Pod) => Behaviour = () => 'ready',
) => {
  ways.set(space.namespace, way);
  const pod = template('work', 'busybox', { restartPolicy: 'Never' });
  return space.create<Job>(jobs, 'work', {
    parallelism: 2,
    completions: 4,
    template: pod,
    ...spec,
  });
};

const indexed = (spec = {}) => ({ completionMode: 'Indexed', ...spec });

/** Waits for the terminal condition and gives the Job, and that condition's reason. */
async function ended(
  space: Space,
  type: 'Complete' | 'Failed',
): Promise<[Job, string | undefined]> {
  const condition = (job: Job) =>
    job.status?.conditions?.find((one) => one.type === type && one.status === 'True');
  const job = await space.object<Job>(
    jobs,
    'work',
    type,
    (found) => condition(found) !== undefined,
  );
  return [job, condition(job)?.reason];
}

test('should create pods for an Indexed job with completion indexes and specified hostname', async (t, space) => {
  const seen = new Map<number, string | undefined>();
  await make(space, indexed(), (index, pod) => {
    seen.set(index, pod.spec?.hostname);
    return 0;
  });
  const [job] = await ended(space, 'Complete');
  t.match(job.status, { succeeded: 4, completedIndexes: '0-3', ready: 0, terminating: 0 });
  t.strictSame(
    [...seen].sort(),
    [0, 1, 2, 3].map((index) => [index, `work-${index}`]),
  );
});

test('should adopt matching orphans and release non-matching pods', async (t, space) => {
  await make(space);
  const active = await space.until(
    'two pods',
    () => space.pods(),
    (found) => found.length === 2,
  );
  const [pod] = active;
  const ref = space.ref(pod?.metadata.name ?? '');
  const collection = space.of<Pod>(pods);
  await collection.patch(ref, { metadata: { ownerReferences: null } }, 'merge');
  await space.until(
    'adoption',
    () => collection.get(ref),
    ({ metadata }) => metadata.ownerReferences?.[0]?.kind === 'Job',
  );
  await collection.patch(ref, { metadata: { labels: null } }, 'merge');
  const released = await space.until(
    'release',
    () => collection.get(ref),
    ({ metadata }) => (metadata.ownerReferences ?? []).length === 0,
  );
  t.equal(released.metadata.finalizers, undefined);
});

test('should allow to use a pod failure policy to ignore failure matching on DisruptionTarget condition', async (t, space) => {
  const rule = {
    action: 'Ignore',
    onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }],
  };
  let done = false;
  await make(space, { backoffLimit: 0, podFailurePolicy: { rules: [rule] } }, () =>
    done ? 0 : 'ready',
  );
  const [pod] = await space.until(
    'pods',
    () => space.pods(),
    (found) => found.length === 2,
  );
  const ref = space.ref(pod?.metadata.name ?? '');
  const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' };
  const status = { phase: 'Failed', conditions: [condition] };
  await space.of<Pod>(pods).patchStatus(ref, { status }, 'strategic');
  await space.until(
    'the failure to be let go',
    () => space.of<Pod>(pods).get(ref),
    ({ metadata }) => metadata.finalizers === undefined,
  );
  done = true;
  await rig.cluster.replay();
  const [job] = await ended(space, 'Complete');
  t.equal(job.status?.failed, undefined, 'nothing counts as failed');
});

test('should allow to use the pod failure policy on exit code to fail the job early', async (t, space) => {
  const rule = {
    action: 'FailJob',
    onExitCodes: { containerName: 'main', operator: 'In', values: [1] },
  };
  await make(space, { podFailurePolicy: { rules: [rule] } }, () => 1);
  const [job, reason] = await ended(space, 'Failed');
  t.equal(reason, 'PodFailurePolicy');
  t.match(job.status?.conditions?.[0], { type: 'FailureTarget', reason: 'PodFailurePolicy' });
});

test('should execute all indexes despite some failing when using backoffLimitPerIndex', async (t, space) => {
  await make(space, indexed({ backoffLimitPerIndex: 1 }), (index) => index % 2);
  const [job, reason] = await ended(space, 'Failed');
  t.equal(reason, 'FailedIndexes');
  t.match(job.status, { failedIndexes: '1,3', completedIndexes: '0,2', failed: 4, succeeded: 2 });
});

test('should mark indexes as failed when the FailIndex action is matched in podFailurePolicy', async (t, space) => {
  const rule = { action: 'FailIndex', onExitCodes: { operator: 'NotIn', values: [1] } };
  const spec = indexed({
    backoffLimitPerIndex: 1,
    completions: 2,
    podFailurePolicy: { rules: [rule] },
  });
  await make(space, spec, (index) => (index === 1 ? 0 : 42));
  const [job, reason] = await ended(space, 'Failed');
  t.equal(reason, 'FailedIndexes');
  t.match(job.status, { failedIndexes: '0', completedIndexes: '1', failed: 1, succeeded: 1 });
});

test('should terminate job execution when the number of failed indexes exceeds maxFailedIndexes', async (t, space) => {
  const spec = indexed({ backoffLimitPerIndex: 0, maxFailedIndexes: 0, parallelism: 1 });
  await make(space, spec, (index) => (index === 0 ? 1 : 'ready'));
  const [job, reason] = await ended(space, 'Failed');
  t.equal(reason, 'MaxFailedIndexesExceeded');
  t.match(job.status, { failedIndexes: '0', failed: 1 });
});

test('with successPolicy should succeeded when all indexes succeeded', async (t, space) => {
  await make(
    space,
    indexed({ completions: 2, successPolicy: { rules: [{ succeededCount: 2 }] } }),
    () => 0,
  );
  const [job] = await ended(space, 'Complete');
  t.match(job.status, { completedIndexes: '0,1', succeeded: 2 });
});

for (const [rule, words] of [
  [{ succeededIndexes: '0' }, 'succeededIndexes rule'],
  [{ succeededCount: 1 }, 'succeededCount rule'],
] as const) {
  const name = `with successPolicy ${words} should succeeded even when some indexes remain pending`;
  test(name, async (t, space) => {
    const spec = indexed({ completions: 5, parallelism: 2, successPolicy: { rules: [rule] } });
    await make(space, spec, (index) => (index === 0 ? 0 : 'ready'));
    const [job, reason] = await ended(space, 'Complete');
    t.equal(reason, 'SuccessPolicy');
    t.match(job.status, { completedIndexes: '0', succeeded: 1, ready: 0, terminating: 0 });
    t.equal(job.status?.active, undefined);
    t.equal(job.status?.failed, undefined);
  });
}

test('should delete a job', async (t, space) => {
  await make(space);
  await space.until(
    'two pods',
    () => space.pods(),
    (found) => found.length === 2,
  );
  await space.of<Job>(jobs).delete(space.ref('work'), { propagationPolicy: 'Background' });
  await space.until(
    'the pods to go',
    () => space.pods(),
    (found) => found.length === 0,
  );
  const { items } = await space.of<Pod>(pods).list({ namespace: space.namespace });
  await space.until(
    'nothing to be left',
    async () => (await space.of<Pod>(pods).list({ namespace: space.namespace })).items,
    (left) => left.length === 0,
  );
  t.ok(items.length <= 2);
});

test('should manage the lifecycle of a job', async (t, space) => {
  await make(space, { suspend: true, completions: 2 }, () => 0);
  const suspended = await space.object<Job>(
    jobs,
    'work',
    'suspended',
    ({ status }) => status?.conditions?.[0]?.type === 'Suspended',
  );
  t.equal(suspended.status?.startTime, undefined);
  await space.patch(jobs, 'work', {
    metadata: { labels: { work: 'patched' } },
    spec: { suspend: false },
  });
  const [job] = await ended(space, 'Complete');
  t.match(job.metadata.labels, { work: 'patched' });
  t.match(job.status, { succeeded: 2 });
  const { items } = await space
    .of<Job>(jobs)
    .list({ namespace: space.namespace, labelSelector: 'work=patched' });
  t.strictSame(namesOf(items), ['work']);
  await space.of<Job>(jobs).delete(space.ref('work'), { propagationPolicy: 'Foreground' });
  await space.until(
    'it to go',
    async () => (await space.of<Job>(jobs).list({ namespace: space.namespace })).items,
    (left) => left.length === 0,
  );
});
