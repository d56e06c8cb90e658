/** Containers that are added to a pod that is there: what is planned, told and started. */
import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { containers } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { plan } from '#node-agent/pod/plan.ts';
import { withTarget } from '#node-agent/pod/pod-containers.ts';
import { podStatus } from '#node-agent/pod/status.ts';
import type { Attempt, ContainerView, PodView } from '#node-agent/pod/view.ts';
import { agentRig, eventually, podOf, type Rig } from '../agent-rig.ts';

const now = Date.parse('2026-05-01T12:00:00Z');
const at = (seconds: number): string => new Date(now - seconds * 1000).toISOString();
const debug = { name: 'd', image: 'busybox' };

const view = (pod: Pod, known: Record<string, ContainerView> = {}, more = {}): PodView => ({
  uid: 'u',
  pod,
  now,
  acknowledgedAt: now,
  sandboxReady: true,
  ready: true,
  standing: true,
  released: false,
  containers: new Map(Object.entries(known)),
  ...more,
});
const one = (container: string, state: Attempt['state']): ContainerView => ({
  attempts: [{ id: `${container}0`, container, attempt: 0, restartDelayMs: 0, imageId: '', state }],
});
const running = (name: string) => one(name, { phase: 'running', pid: 1, startedAt: at(60) });
const exited = (name: string, exitCode: number) => {
  const times = { startedAt: at(60), finishedAt: at(50) };
  return one(name, { phase: 'exited', exitCode, oomKilled: false, ...times });
};
const podWith = (spec: object, metadata: object = {}): Pod => {
  const pod = podOf('web', { ephemeralContainers: [debug], ...spec });
  return { ...pod, metadata: { ...pod.metadata, ...metadata } };
};
const start = { type: 'start', container: 'd', attempt: 0, restartDelayMs: 0 };

t.test('it is started once, whatever the others do', async (t) => {
  const pod = podWith({});
  const withInit = podWith({ initContainers: [{ name: 'i' }] });
  const main = running('main');
  const waiting = { reason: 'ErrImagePull', retryAt: now + 7_000 };
  const cases: [string, PodView, object[], number?][] = [
    ['nothing stands', view(pod, {}, { ready: false }), [{ type: 'set-up' }]],
    ['beside what runs', view(pod, { main }), [start]],
    ['beside an init container', view(withInit, { i: running('i') }), [start]],
    ['its image is on its way', view(pod, { main }, { pulling: new Set(['d']) }), []],
    ['after a failed try', view(pod, { main, d: { attempts: [], waiting } }), [], now + 7_000],
    ['it runs', view(pod, { main, d: running('d') }), []],
    ['it ended well', view(pod, { main, d: exited('d', 0) }), []],
    ['it failed', view(pod, { main, d: exited('d', 1) }), []],
  ];
  for (const [name, given, actions, wakeAt] of cases) {
    const planned = plan(given);
    t.strictSame(planned.actions, actions, name);
    t.equal(planned.wakeAt, wakeAt, `${name}: wakes`);
  }
});

t.test('it goes when the pod does, and holds nothing up', async (t) => {
  const stop = { type: 'stop', container: 'd', graceMs: 30_000 };
  const never = podWith({ restartPolicy: 'Never' });
  const over = view(never, { main: exited('main', 0), d: running('d') });
  t.strictSame(plan(over).actions, [stop]);
  const ended = { main: exited('main', 0), d: exited('d', 137) };
  t.strictSame(plan(view(never, ended)).actions, [{ type: 'tear-down' }]);
  t.equal(podStatus(view(never, ended), never, { hostIPs: [] }).phase, 'Succeeded');
  const deleted = podWith({}, { deletionTimestamp: at(1) });
  const all = plan(view(deleted, { main: running('main'), d: running('d') })).actions;
  t.match(all, [{ container: 'main' }, stop]);
  const fresh = podWith({ restartPolicy: 'Never' }, { deletionTimestamp: at(1) });
  t.match(plan(view(fresh)).actions, [{ type: 'tear-down' }, { type: 'delete-pod' }]);
});

t.test('its status', async (t) => {
  const pod = podWith({});
  const told = (d?: ContainerView) => {
    const known = { main: running('main'), ...(d === undefined ? {} : { d }) };
    return podStatus(view(pod, known), pod, { hostIPs: [] });
  };
  t.strictSame(told().ephemeralContainerStatuses, [
    {
      name: 'd',
      state: { waiting: { reason: 'ContainerCreating' } },
      lastState: {},
      ready: false,
      restartCount: 0,
      image: 'busybox',
      imageID: '',
    },
  ]);
  const failed = told(exited('d', 3));
  t.match(failed, { phase: 'Running', conditions: [{}, {}, { type: 'Ready', status: 'True' }] });
  const [status] = failed.ephemeralContainerStatuses ?? [];
  t.match(status?.state, { terminated: { exitCode: 3, reason: 'Error' } });
  const none = podStatus(view(podOf('web')), podOf('web'), { hostIPs: [] });
  t.notHas(none, 'ephemeralContainerStatuses');
});

t.test('the process namespace of its target', async (t) => {
  const aimed = (spec: object = {}) =>
    podWith({ ephemeralContainers: [{ ...debug, targetContainerName: 'main' }], ...spec });
  const alive = (name: string) => (name === 'main' ? running(name).attempts[0] : undefined);
  const none = () => undefined;
  t.strictSame(withTarget({ network: 'n' }, aimed(), 'd', alive), { network: 'n', pid: 'main0' });
  t.equal(withTarget(undefined, aimed(), 'main', alive), undefined, 'the others have their own');
  t.equal(withTarget(undefined, podWith({}), 'd', alive), undefined, 'without a target');
  for (const shared of [{ shareProcessNamespace: true }, { hostPID: true }])
    t.equal(withTarget(undefined, aimed(shared), 'd', none), undefined);
  t.throws(() => withTarget(undefined, aimed(), 'd', none), {
    name: 'ConfigError',
    message: /unable to find target container "main": .* does not run; it is tried again/,
  });
});

const place = { namespace: 'default', name: 'web' };
const add = (rig: Rig, ephemeral: object[]) =>
  rig.world.pods.patch(place, { spec: { ephemeralContainers: ephemeral } }, 'merge');
const states = (pod: Pod) => pod.status?.ephemeralContainerStatuses ?? [];
const names = (rig: Rig) =>
  rig.runtime.started.map((spec) => spec.labels['io.kubernetes.container.name']).sort();

t.test('another life of the agent finds it again and starts nothing twice', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  await rig.create(podOf('web'));
  await rig.until('web', (pod) => pod.status?.phase === 'Running');
  await add(rig, [debug, { ...debug, name: 'e' }]);
  await rig.until('web', (pod) => states(pod)[1]?.state?.running !== undefined);
  rig.runtime.exit(rig.runtime.latest('e')?.spec.id ?? '', 4);
  await rig.until('web', (pod) => states(pod)[1]?.state?.terminated?.exitCode === 4);
  await rig.restart();
  await add(rig, [debug, { ...debug, name: 'e' }, { ...debug, name: 'f' }]);
  await rig.until('web', (pod) => states(pod)[2]?.state?.running !== undefined);
  t.strictSame(names(rig), ['d', 'e', 'f', 'main']);
  t.match(states(await rig.get('web')), [{ state: { running: {} } }, { restartCount: 0 }]);
  // A machine that was started anew has no records: what had run is over all the same.
  await rig.restart(() => rig.runtime.containers.clear());
  const lost = { exitCode: 137, reason: 'ContainerStatusUnknown' };
  const after = await rig.until('web', (pod) => states(pod)[0]?.state?.terminated !== undefined);
  t.match(states(after), [
    { state: { terminated: lost } },
    { state: { terminated: { exitCode: 4 } } },
  ]);
  t.strictSame(names(rig), ['d', 'e', 'f', 'main', 'main']);
});

t.test("a Container's layer, settings and limits are not for one beside it", async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  const made = await rig.api.collection<ApiObject>(containers).create({
    apiVersion: 'bayplan.dev/v1alpha1',
    kind: 'Container',
    metadata: place,
    spec: { image: 'busybox', state: 'Running', resources: { memory: '32Mi' } },
  } as ApiObject);
  const { apiVersion = '', kind = '', metadata } = made;
  const owner = { apiVersion, kind, name: 'web', uid: metadata.uid ?? '', controller: true };
  const annotations = { 'bayplan.dev/settings': JSON.stringify({ oomScoreAdj: 7, init: true }) };
  const pod = podOf('web');
  await rig.create({
    ...pod,
    metadata: { ...pod.metadata, ownerReferences: [owner], annotations },
  });
  await eventually('its limit', () => {
    return rig.runtime.latest('main')?.spec.resources.memory?.limit === 32 << 20;
  });
  await add(rig, [debug]);
  await rig.until('web', (seen) => states(seen)[0]?.state?.running !== undefined);
  const [main, beside] = ['main', 'd'].map((name) => rig.runtime.latest(name)?.spec);
  t.match(main, { keepsLayer: true, oomScoreAdj: 7, init: true });
  t.notHas(beside, 'keepsLayer');
  t.notHas(beside, 'init');
  t.not(beside?.layerDir, main?.layerDir);
  t.not(beside?.oomScoreAdj, 7);
  t.equal(beside?.resources.memory?.limit, undefined);
});
