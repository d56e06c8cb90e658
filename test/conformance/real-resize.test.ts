/** Pods whose resources change while they run, on a real node: in the API and in the cgroups that containers see. */
import { milliValue, value } from '#api/resources/quantity.ts';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { shell, startRealRig, type Tap } from './real-rig.ts';

const { rig, test } = await startRealRig();

type Resources = NonNullable<PodContainer['resources']>;
/** Requests and limits as `cpu/memory`; a part left out is none. */
interface Amounts {
  readonly requests?: string;
  readonly limits?: string;
}

function part(text: string | undefined): Record<string, string> | undefined {
  if (text === undefined) return undefined;
  const [cpu = '', memory = ''] = text.split('/');
  return { ...(cpu === '' ? {} : { cpu }), ...(memory === '' ? {} : { memory }) };
}

function resources({ requests, limits }: Amounts): Resources {
  const [asked, most] = [part(requests), part(limits)];
  return {
    ...(asked === undefined ? {} : { requests: asked }),
    ...(most === undefined ? {} : { limits: most }),
  };
}

const guaranteed = (amounts: string): Amounts => ({ requests: amounts, limits: amounts });
const idle = shell('trap "exit 0" TERM; while :; do sleep 1; done');

function make(before: readonly Amounts[], more: object = {}): Promise<string> {
  const containers = before.map((amounts, i) => ({
    name: `c${i + 1}`,
    image: 'bayplan.local/busybox:latest',
    ...idle,
    resources: resources(amounts),
    ...more,
  }));
  return rig.make({}, { containers });
}

const patchTo = (after: readonly Amounts[]) => ({
  spec: {
    containers: after.map((amounts, i) => ({ name: `c${i + 1}`, resources: resources(amounts) })),
  },
});

/** What limits a container sees in its own cgroup, v1 or v2; empty where it is none. */
const limitsSeen = `cd /sys/fs/cgroup
if [ -e cpu.max ]; then echo $(cat cpu.max memory.max)
else echo $(cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us memory/memory.limit_in_bytes)
fi`;

async function seen(pod: string, container: string): Promise<{ cpu: number; memory: number }> {
  const told = await rig.exec(pod, limitsSeen, container);
  const [quota = '', period = '', memory = ''] = told.split(/\s+/);
  const none = ['max', '-1'].includes(quota);
  const most = memory === 'max' || Number(memory) > 2 ** 60 ? 0 : Number(memory);
  return { cpu: none ? 0 : (Number(quota) * 1000) / Number(period), memory: most };
}

const isSettled = ({ metadata, status }: Pod): boolean =>
  status?.observedGeneration === metadata.generation &&
  !(status?.conditions ?? []).some(({ type }) => type.startsWith('PodResize'));

/** The kernel gives no less than 1 ms in 100 ms. */
const leastCpu = 10;

async function verify(t: Tap, name: string, after: readonly Amounts[], restarts = 0) {
  const pod = await rig.pod(
    name,
    'resized',
    (one) =>
      isSettled(one) &&
      (one.status?.containerStatuses ?? []).every(
        ({ restartCount, state }) => restartCount === restarts && state?.running !== undefined,
      ),
  );
  for (const [i, amounts] of after.entries()) {
    const container = pod.spec?.containers[i];
    const status = pod.status?.containerStatuses?.[i];
    const { requests, limits } = resources(amounts);
    t.match(container?.resources, resources(amounts), `${container?.name} asks`);
    t.match(status?.resources, resources(amounts), `${container?.name} has`);
    t.strictSame(status?.allocatedResources, requests ?? limits, `${container?.name} is promised`);
    const cpu = limits?.['cpu'] === undefined ? 0 : Math.max(leastCpu, milliValue(limits['cpu']));
    const memory = limits?.['memory'] === undefined ? 0 : value(limits['memory']);
    t.strictSame(await seen(name, container?.name ?? ''), { cpu, memory });
  }
}

async function resize(pod: string, after: readonly Amounts[]): Promise<void> {
  const patch = ['patch', 'pod', pod, '--subresource', 'resize', '--patch'];
  await rig.cluster.kubectl(...patch, JSON.stringify(patchTo(after)));
}

/** There and back again. */
async function resized(t: Tap, before: readonly Amounts[], after: readonly Amounts[]) {
  const pod = await make(before);
  await rig.ready(pod);
  await verify(t, pod, before);
  for (const amounts of [after, before]) {
    if (amounts.some(({ requests, limits }, i) => isTaken(requests, limits, after[i] ?? {}))) break;
    await resize(pod, amounts);
    await verify(t, pod, amounts);
  }
}
/** What a resize added can be changed, not taken away. */
const isTaken = (requests: unknown, limits: unknown, after: Amounts): boolean =>
  (requests === undefined && after.requests !== undefined) ||
  (limits === undefined && after.limits !== undefined);

const several =
  'Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers -';
const three = [guaranteed('30m/40Mi'), guaranteed('32m/42Mi'), guaranteed('34m/44Mi')];
test(`${several} increase cpu & mem on c1, c2, decrease cpu & mem on c3 - net increase`, (t) =>
  resized(t, three, [guaranteed('60m/60Mi'), guaranteed('62m/62Mi'), guaranteed('20m/30Mi')]));
test(`${several} increase cpu & mem on c1, decrease cpu & mem on c2, c3 - net decrease`, (t) =>
  resized(t, three, [guaranteed('40m/48Mi'), guaranteed('20m/30Mi'), guaranteed('18m/28Mi')]));
test(`${several} increase: CPU (c1,c3), memory (c2, c3) ; decrease: CPU (c2)`, (t) =>
  resized(t, three, [guaranteed('60m/40Mi'), guaranteed('20m/62Mi'), guaranteed('64m/64Mi')]));

test('Pod InPlace Resize Container burstable pods - extended 6 containers - various operations performed (including adding limits and requests)', (t) =>
  resized(
    t,
    [
      { requests: '30m/40Mi', limits: '60m/80Mi' },
      { requests: '30m/40Mi', limits: '60m/80Mi' },
      { requests: '30m/40Mi' },
      { requests: '30m/40Mi', limits: '/80Mi' },
      { requests: '30m' },
      {},
    ],
    [
      { requests: '40m/50Mi', limits: '80m/100Mi' },
      { requests: '20m/30Mi', limits: '50m/60Mi' },
      { requests: '20m/60Mi' },
      { requests: '30m/40Mi', limits: '60m/80Mi' },
      { requests: '30m/40Mi', limits: '60m/80Mi' },
      { requests: '20m/30Mi' },
    ],
  ));
test('Pod InPlace Resize Container burstable pods - extended resize with equivalents', (t) =>
  resized(
    t,
    [
      { requests: '2m/64Mi', limits: '10m/64Mi' },
      { requests: '0', limits: '100m' },
    ],
    [
      { requests: '1m/64Mi', limits: '5m/64Mi' },
      { requests: '2m', limits: '100m' },
    ],
  ));

test('Pod InPlace Resize Container resize pod via the replace endpoint', async (t) => {
  const pod = await make([guaranteed('30m/40Mi')]);
  await rig.ready(pod);
  const after = guaranteed('60m/80Mi');
  const whole = await rig.request('GET', rig.path('pods', pod));
  whole.spec.containers[0].resources = resources(after);
  whole.metadata.labels = { not: 'taken' };
  const put = await rig.request('PUT', `${rig.path('pods', pod)}/resize`, whole);
  t.equal(put.metadata.labels, undefined);
  t.equal(put.metadata.generation, 2);
  await verify(t, pod, [after]);
});

test('a container that wants a new start for more memory gets one, for more cpu none', async (t) => {
  const resizePolicy = [
    { resourceName: 'cpu', restartPolicy: 'NotRequired' },
    { resourceName: 'memory', restartPolicy: 'RestartContainer' },
  ];
  const containers = [
    {
      ...{ name: 'c1', image: 'bayplan.local/busybox:latest', ...idle, resizePolicy },
      resources: resources(guaranteed('30m/40Mi')),
    },
  ];
  const pod = await rig.make(
    {},
    { containers, restartPolicy: 'OnFailure', terminationGracePeriodSeconds: 30 },
  );
  await rig.ready(pod);
  for (const [amounts, restarts] of [
    ['50m/40Mi', 0],
    ['50m/80Mi', 1],
  ] as const) {
    const after = [guaranteed(amounts)];
    await resize(pod, after);
    await verify(t, pod, after, restarts);
  }
});

test('what never fits is said, and what is in use is not taken away', async (t) => {
  const pod = await make([{ requests: '30m/40Mi', limits: '100m/200Mi' }]);
  await rig.ready(pod);
  await resize(pod, [{ requests: '9000/40Mi', limits: '9000/200Mi' }]);
  const condition = (type: string) => (one: Pod) =>
    one.status?.conditions?.find((each) => each.type === type);
  const pending = condition('PodResizePending');
  const told = await rig.pod(pod, 'infeasible', (one) => pending(one) !== undefined);
  t.match(pending(told), { reason: 'Infeasible', observedGeneration: 2 });
  t.match(told.status?.containerStatuses?.[0]?.resources, { limits: { cpu: '100m' } });
  await rig.exec(pod, 'head -c 60000000 /dev/zero > /dev/shm/used', 'c1');
  await resize(pod, [{ requests: '30m/10Mi', limits: '100m/20Mi' }]);
  const progress = condition('PodResizeInProgress');
  const refused = await rig.pod(pod, 'in the way', (one) => progress(one)?.reason === 'Error');
  t.match(refused.status?.containerStatuses?.[0]?.resources, { limits: { memory: '200Mi' } });
  await rig.exec(pod, 'rm /dev/shm/used', 'c1');
  await verify(t, pod, [{ requests: '30m/10Mi', limits: '100m/20Mi' }]);
});

test('the pod as a whole has no more than its own limit, which is resized, too', async (t) => {
  const hungry = shell(
    'until [ -e /dev/shm/eat ]; do sleep 0.2; done; x=$(head -c 60000000 /dev/zero | tr "\\0" x); echo fits; sleep 1000',
  );
  const containers = [{ name: 'c1', image: 'bayplan.local/busybox:latest', ...hungry }];
  const make = () => rig.make({}, { containers, resources: resources({ limits: '100m/32Mi' }) });
  const [small, large] = await Promise.all([make(), make()]);
  for (const name of [small, large])
    t.equal((await rig.ready(name)).status?.qosClass, 'Guaranteed');
  const patch = { spec: { resources: resources(guaranteed('1/512Mi')) } };
  const words = ['patch', 'pod', large, '--subresource', 'resize', '--patch'];
  const { stderr } = await rig.cluster.kubectl(...words, JSON.stringify(patch));
  t.equal(stderr, '');
  await rig.pod(large, 'resized', (one) => one.metadata.generation === 2 && isSettled(one));
  for (const name of [small, large]) await rig.exec(name, 'touch /dev/shm/eat', 'c1');
  await rig.written(large, /fits/, 'c1');
  const { status } = await rig.pod(small, 'killed', (one) => one.status?.phase === 'Failed');
  t.equal(status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 137);
});
