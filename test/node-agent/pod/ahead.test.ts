/** Containers made while they may not run yet, and what becomes of them. */
import t from 'tap';
import * as types from '#api/resources/resource-types.ts';
import type { ConfigMap, Event, Pod, PodContainer } from '#api/resources/types.ts';
import { wantsAhead } from '#node-agent/pod/ahead.ts';
import type { PodView } from '#node-agent/pod/view.ts';
import { agentRig, eventually, podOf, type Rig } from '../agent-rig.ts';

const named = (name: string): PodContainer => ({ name, image: 'busybox' });
const latestId = (rig: Rig, name: string): string => rig.runtime.latest(name)?.spec.id ?? '';
const withInit = (app: PodContainer): Pod =>
  podOf('web', { initContainers: [named('one')], containers: [app] });

async function initRuns(rig: Rig, app: PodContainer): Promise<string> {
  await rig.create(withInit(app));
  await eventually('the app to be made', () => rig.runtime.prepared.size === 1);
  t.equal(rig.runtime.started.length, 1, 'only the init container runs');
  return [...rig.runtime.prepared][0] ?? '';
}

t.test('an app is made while an init container works, and that one is started', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  const id = await initRuns(rig, named('app'));
  rig.runtime.exit(latestId(rig, 'one'), 0);
  await rig.until('web', (pod) => pod.status?.phase === 'Running');
  t.strictSame(rig.runtime.startedReady, [id]);
  t.equal(latestId(rig, 'app'), id);
  const reasons = async () => {
    const { items } = await rig.api.collection<Event>(types.events).list();
    return items.map(({ reason }) => reason).sort();
  };
  await eventually('all to be told', async () => (await reasons()).length >= 6);
  const once = ['Created', 'Pulled', 'Started'];
  t.strictSame(await reasons(), [...once, ...once].sort());
});

t.test('what no longer fits is thrown away', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  const maps = rig.api.collection<ConfigMap>(types.configMaps);
  const metadata = { namespace: 'default', name: 'settings' };
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
  const made = await maps.create({ ...map, data: { A: 'before' } });
  const id = await initRuns(rig, {
    ...named('app'),
    envFrom: [{ configMapRef: { name: 'settings' } }],
  });
  await maps.update({ ...made, data: { A: 'after' } });
  rig.runtime.exit(latestId(rig, 'one'), 0);
  await rig.until('web', (pod) => pod.status?.phase === 'Running');
  t.not(latestId(rig, 'app'), id);
  t.ok(rig.runtime.latest('app')?.spec.env.includes('A=after'));
  t.equal(rig.runtime.prepared.size, 0);
  t.ok(rig.runtime.removedLayers.some((layer) => layer.endsWith(id)));
});

t.test('what cannot be made is tried again, and told, when its time has come', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  await rig.create(
    withInit({ ...named('app'), envFrom: [{ configMapRef: { name: 'not-there' } }] }),
  );
  await rig.until('web', (pod) => pod.status?.initContainerStatuses?.[0]?.started === true);
  const waiting = { reason: 'PodInitializing' };
  t.match((await rig.get('web')).status?.containerStatuses, [{ state: { waiting } }]);
  rig.runtime.exit(latestId(rig, 'one'), 0);
  await rig.until('web', ({ status }) => {
    return status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError';
  });
  t.equal(rig.runtime.prepared.size, 0);
});

t.test('during a back-off the next attempt stands ready, and goes with the pod', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  await rig.create(podOf('crash'));
  for (const attempt of [0, 1]) {
    await eventually('it to run', () => rig.runtime.started.length === attempt + 1);
    rig.runtime.exit(latestId(rig, 'main'), 3);
  }
  await eventually('the next attempt', () => rig.runtime.prepared.size === 1);
  await rig.until('crash', ({ status }) => {
    return status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff';
  });
  t.equal(rig.runtime.started.length, 2);
  await rig.world.pods.delete({ namespace: 'default', name: 'crash' });
  await eventually('nothing to be left', () => rig.runtime.prepared.size === 0);
});

t.test('what may look otherwise by then is not made beforehand', async (t) => {
  const view = { prepared: new Map(), containers: new Map() } as unknown as PodView;
  const volumes = [
    { name: 'steady', emptyDir: {} },
    { name: 'host', hostPath: { path: '/srv' } },
    { name: 'claim', persistentVolumeClaim: { claimName: 'c' } },
  ];
  const owner = { apiVersion: 'bayplan.dev/v1', kind: 'Container', name: 'web', uid: 'c' };
  const kept = {
    ...podOf('web'),
    metadata: { name: 'web', ownerReferences: [{ ...owner, controller: true }] },
  };
  const mounting = (name: string, more: object = {}) => ({
    ...named('app'),
    volumeMounts: [{ name, mountPath: '/data', ...more }],
  });
  const wants = (container: PodContainer, pod = podOf('web', { volumes }), of = view) =>
    wantsAhead(of, pod, container, 1);
  t.equal(wants(mounting('steady')), true);
  t.equal(wants(mounting('steady', { subPath: 'a' })), false, 'found by each start');
  t.equal(wants(mounting('host')), false);
  t.equal(wants(mounting('claim')), false);
  t.equal(wants(named('app'), kept), false, "its layer is one process's at a time");
  t.equal(wants(named('app'), podOf('web'), { ...view, prepared: new Map([['app', 1]]) }), false);
});
