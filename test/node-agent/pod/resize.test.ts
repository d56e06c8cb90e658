/** In-place resize: what the node promises, gives and tells. */
import t from 'tap';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { judgeResize, toldAllocation, withAllocated } from '#node-agent/pod/allocation.ts';
import { resizeActions } from '#node-agent/pod/plan-resize.ts';
import { resizeVerdicts } from '#node-agent/pod/status-resize.ts';
import type { PodView } from '#node-agent/pod/view.ts';
import { agentRig, eventually, podOf, type Rig } from '../agent-rig.ts';

type Resources = NonNullable<PodContainer['resources']>;
type Policy = NonNullable<PodContainer['resizePolicy']>;

const amounts = (cpu: string, memory = '64Mi'): Resources => ({
  requests: { cpu, memory },
  limits: { cpu, memory },
});
const pod = (name: string, resources: Resources, more: Partial<PodContainer> = {}): Pod => {
  const made = podOf(name);
  Object.assign(made.spec?.containers[0] ?? {}, { resources, ...more });
  return made;
};
const room = (others = 0) => ({
  present: { cpuMillis: 100, memoryBytes: 64 << 20 },
  others: { cpuMillis: others, memoryBytes: 0 },
  capacity: { cpuMillis: 2000, memoryBytes: 1 << 30 },
});

t.test('what grows must fit; what does not is always given', async (t) => {
  t.equal(judgeResize(pod('a', amounts('1500m')), room()), undefined);
  t.match(judgeResize(pod('a', amounts('1500m')), room(600)), {
    reason: 'Deferred',
    message: "Node didn't have enough resource: cpu, requested: 1500, used: 600, capacity: 2000",
  });
  t.match(judgeResize(pod('a', amounts('100m', '2Gi')), room(600)), {
    reason: 'Infeasible',
    message: `Node didn't have enough capacity: memory, requested: ${2 ** 31}, capacity: ${2 ** 30}`,
  });
  t.equal(judgeResize(pod('a', amounts('50m')), room(5000)), undefined, 'less, on a full node');
  t.equal(judgeResize(pod('a', amounts('100m')), room(5000)), undefined, 'the same');
});

t.test('a new life of the agent holds to what the last one told', async (t) => {
  const asks = pod('a', amounts('1'));
  const told = (status: object): Pod => ({
    ...asks,
    status: { containerStatuses: [{ name: 'main', ...status }] } as NonNullable<Pod['status']>,
  });
  const of = (one: Pod) => toldAllocation(one).get('main');
  t.strictSame(of(asks), amounts('1'), 'never started');
  t.strictSame(of(told({})), amounts('1'), 'not running');
  t.strictSame(of(told({ resources: amounts('500m') })), amounts('500m'), 'not yet promised more');
  const requests = amounts('1').requests;
  t.strictSame(
    of(told({ allocatedResources: requests, resources: amounts('500m') })),
    amounts('1'),
    'promised, not yet given',
  );
  const before = new Map([['main', amounts('500m')]]);
  t.strictSame(withAllocated(asks, before).spec?.containers[0]?.resources, amounts('500m'));
});

t.test('a refused change is tried again when its time has come', async (t) => {
  const resize = { update: ['main'], restart: [], sandbox: false, held: new Map() };
  const view = (more: object, now = 10): PodView =>
    ({ now, resize: { ...resize, ...more } }) as unknown as PodView;
  const problem = { message: 'no', retryAt: 20 };
  t.strictSame(resizeActions(view({})).actions, [{ type: 'resize', containers: ['main'] }]);
  t.strictSame(resizeActions(view({ problem })), { actions: [], wakeAt: 20 });
  t.equal(resizeActions(view({ problem }, 20)).actions.length, 1);
  t.strictSame(resizeActions(view({ update: [] })).actions, []);
  t.match(resizeVerdicts({ ...resize, problem, generation: 3 }), [
    { type: 'PodResizeInProgress', reason: 'Error', message: 'no', generation: 3 },
  ]);
  t.strictSame(resizeVerdicts(resize), []);
});

const resize = async (rig: Rig, name: string, resources: Resources) => {
  const current = await rig.get(name);
  const { spec, metadata } = current;
  const [main] = spec?.containers ?? [];
  if (spec === undefined || main === undefined) throw new Error(`${name} has no container`);
  const containers = [{ ...main, resources }];
  const generation = (metadata.generation ?? 1) + 1;
  await rig.world.pods.update({
    ...current,
    metadata: { ...metadata, generation },
    spec: { ...spec, containers },
  });
};
const running = (one: Pod) => one.status?.phase === 'Running';
const has = (cpu: string) => (one: Pod) =>
  one.status?.containerStatuses?.[0]?.resources?.limits?.['cpu'] === cpu &&
  one.status.containerStatuses[0].allocatedResources?.['cpu'] === cpu;
const condition = (one: Pod, type: string) =>
  one.status?.conditions?.find((each) => each.type === type);
const limits = (rig: Rig) => rig.runtime.latest('main')?.spec.resources;
const sandbox = (rig: Rig) => [...rig.runtime.sandboxes.values()][0]?.resources;

t.test('limits change while the container runs, up and down', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  await rig.create(pod('a', amounts('100m')));
  await rig.until('a', running);
  const id = rig.runtime.latest('main')?.spec.id;
  for (const [cpu, quota] of [
    ['500m', 50_000],
    ['50m', 5_000],
  ] as const) {
    await resize(rig, 'a', amounts(cpu));
    const { status, metadata } = await rig.until('a', has(cpu));
    t.equal(status?.observedGeneration, metadata.generation);
    t.match(limits(rig), { cpu: { quota }, memory: { limit: 64 << 20 } });
    t.match(sandbox(rig), { cpu: { quota } }, 'the pod’s cgroup follows');
    t.equal(condition({ status } as Pod, 'PodResizeInProgress'), undefined);
  }
  t.equal(rig.runtime.latest('main')?.spec.id, id, 'the same run');
});

t.test('a container that wants a new start for it gets one, whatever its policy', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  const resizePolicy: Policy = [
    { resourceName: 'cpu', restartPolicy: 'NotRequired' },
    { resourceName: 'memory', restartPolicy: 'RestartContainer' },
  ];
  const made = pod('a', amounts('100m'), { resizePolicy });
  Object.assign(made.spec ?? {}, { restartPolicy: 'OnFailure' });
  await rig.create(made);
  await rig.until('a', running);
  await resize(rig, 'a', amounts('200m'));
  const same = await rig.until('a', has('200m'));
  t.equal(same.status?.containerStatuses?.[0]?.restartCount, 0, 'not for cpu');
  await resize(rig, 'a', amounts('300m', '128Mi'));
  const anew = await rig.until(
    'a',
    (one) => has('300m')(one) && one.status?.containerStatuses?.[0]?.restartCount === 1,
  );
  t.equal(anew.status?.phase, 'Running');
  t.match(limits(rig), { memory: { limit: 128 << 20 } });
  t.match(sandbox(rig), { memory: { limit: 128 << 20 } });
  t.equal(condition(anew, 'PodResizeInProgress'), undefined);
});

t.test('what does not fit waits for room, or for ever; another agent holds to it', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  await rig.create(pod('other', amounts('1')));
  await rig.create(pod('a', amounts('100m')));
  await rig.until('a', running);
  await rig.until('other', running);
  const pending = (reason: string) => (one: Pod) =>
    condition(one, 'PodResizePending')?.reason === reason;
  await resize(rig, 'a', amounts('3'));
  const never = await rig.until('a', pending('Infeasible'));
  t.equal(condition(never, 'PodResizePending')?.observedGeneration, never.metadata.generation);
  t.match(never.status?.containerStatuses?.[0], { allocatedResources: { cpu: '100m' } });
  await resize(rig, 'a', amounts('1500m'));
  await rig.until('a', pending('Deferred'));
  await rig.restart();
  await rig.until('a', pending('Deferred'));
  t.ok(has('100m')(await rig.get('a')));
  await rig.world.pods.delete({ namespace: 'default', name: 'other' });
  const given = await rig.until('a', has('1500m'));
  t.equal(condition(given, 'PodResizePending'), undefined);
  await eventually('its limits', () => limits(rig)?.cpu?.quota === 150_000);
});

t.test('what the kernel refuses is told and tried again', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  await rig.create(pod('a', amounts('100m')));
  await rig.until('a', running);
  const { update } = rig.runtime;
  rig.runtime.update = async () => {
    throw new Error('below what is in use');
  };
  await resize(rig, 'a', amounts('100m', '32Mi'));
  const failing = await rig.until(
    'a',
    (one) => condition(one, 'PodResizeInProgress')?.reason === 'Error',
  );
  t.match(condition(failing, 'PodResizeInProgress'), { message: 'below what is in use' });
  t.match(failing.status?.containerStatuses?.[0], {
    allocatedResources: { memory: '32Mi' },
    resources: { limits: { memory: '64Mi' } },
  });
  rig.runtime.update = update;
  await rig.until('a', (one) => condition(one, 'PodResizeInProgress') === undefined);
  t.match(limits(rig), { memory: { limit: 32 << 20, checkBeforeUpdate: true } });
});

t.test('the pod as a whole is resized alone', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  const made = pod('a', { requests: { cpu: '100m' } });
  Object.assign(made.spec ?? {}, { resources: amounts('500m') });
  await rig.create(made);
  await rig.until('a', running);
  t.match(sandbox(rig), { cpu: { quota: 50_000 }, memory: { limit: 64 << 20 } });
  const current = await rig.get('a');
  const { spec, metadata } = current;
  if (spec === undefined) throw new Error('a has no spec');
  await rig.world.pods.update({
    ...current,
    metadata: { ...metadata, generation: 2 },
    spec: { ...spec, resources: amounts('1', '128Mi') },
  });
  await eventually('its limits', () => sandbox(rig)?.memory?.limit === 128 << 20);
  t.match(sandbox(rig), { cpu: { quota: 100_000 } });
  const settled = await rig.until(
    'a',
    (one) =>
      one.status?.observedGeneration === 2 && condition(one, 'PodResizeInProgress') === undefined,
  );
  t.equal(settled.status?.containerStatuses?.[0]?.restartCount, 0);
});
