import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { events, pods } from '#api/resources/resource-types.ts';
import type { Event } from '#api/resources/types.ts';
import { agentRig, eventually, podOf } from '../agent-rig.ts';

t.test('a pod bound to the node runs, and its status says all that kubectl shows', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  await rig.create(podOf('web'));
  const { status } = await rig.until('web', (pod) => pod.status?.phase === 'Running');
  const [container] = status?.containerStatuses ?? [];
  t.match(status, {
    phase: 'Running',
    hostIP: '192.0.2.1',
    hostIPs: [{ ip: '192.0.2.1' }],
    podIP: '10.244.0.2',
    podIPs: [{ ip: '10.244.0.2' }],
    qosClass: 'BestEffort',
    startTime: /^\d{4}-.*Z$/,
  });
  t.match(container, {
    name: 'main',
    ready: true,
    started: true,
    restartCount: 0,
    containerID: /^bayplan:\/\/[0-9a-f]{64}$/,
    imageID: /^sha256:/,
    state: { running: { startedAt: /Z$/ } },
  });
  const conditions = new Map(status?.conditions?.map((c) => [c.type, c.status]));
  t.strictSame(
    [...conditions].sort(),
    ['ContainersReady', 'Initialized', 'PodReadyToStartContainers', 'PodScheduled', 'Ready'].map(
      (type) => [type, 'True'],
    ),
  );
});

t.test(
  'deleting a pod stops it gracefully, takes all of it away and ends with the API',
  async (t) => {
    const rig = await agentRig();
    t.teardown(() => rig.close());
    await rig.create(podOf('web', { terminationGracePeriodSeconds: 30 }));
    await rig.until('web', (pod) => pod.status?.phase === 'Running');
    const id = rig.runtime.latest('main')?.spec.id ?? '';
    await rig.world.pods.delete({ namespace: 'default', name: 'web' });
    await eventually('the pod to be gone', async () => {
      return (await rig.get('web').catch(() => undefined)) === undefined;
    });
    await eventually('the record to be gone', () => rig.runtime.containers.size === 0);
    t.strictSame(rig.runtime.signals, [{ id, signal: 15 }]);
    t.equal(rig.runtime.sandboxes.size, 0);
    t.strictSame(rig.network.attached(), []);
    t.equal(rig.runtime.removedLayers.length, 1);
    await eventually('the directories to be gone', () => {
      const left = ['pods', 'log/pods'].flatMap((dir) => readdirSync(join(rig.dataDir, dir)));
      return left.length === 0;
    });
  },
);

t.test('a container that ignores the stop signal is killed after the grace period', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  rig.runtime.endsOn = new Set([9]);
  await rig.create(podOf('stubborn', { terminationGracePeriodSeconds: 1 }));
  await rig.until('stubborn', (pod) => pod.status?.phase === 'Running');
  await rig.world.pods.delete({ namespace: 'default', name: 'stubborn' });
  await eventually('the pod to be gone', async () => {
    return (await rig.get('stubborn').catch(() => undefined)) === undefined;
  });
  t.strictSame(
    rig.runtime.signals.map(({ signal }) => signal),
    [15, 9],
  );
});

t.test('a second delete with a shorter grace kills sooner', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  rig.runtime.endsOn = new Set([9]);
  await rig.create(podOf('stubborn', { terminationGracePeriodSeconds: 3600 }));
  await rig.until('stubborn', (pod) => pod.status?.phase === 'Running');
  const ref = { namespace: 'default', name: 'stubborn' };
  await rig.world.pods.delete(ref);
  await eventually('the stop signal', () => rig.runtime.signals.length === 1);
  await rig.world.pods.delete(ref, { gracePeriodSeconds: 1 });
  await eventually('the pod to be gone', async () => {
    return (await rig.get('stubborn').catch(() => undefined)) === undefined;
  });
  t.strictSame(
    rig.runtime.signals.map(({ signal }) => signal),
    [15, 9],
  );
});

t.test('the first restart is immediate, the second waits and says CrashLoopBackOff', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  await rig.create(podOf('crash'));
  await rig.until('crash', (pod) => pod.status?.phase === 'Running');
  rig.runtime.exit(rig.runtime.latest('main')?.spec.id ?? '', 3);
  const again = await rig.until(
    'crash',
    (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1,
  );
  t.match(again.status?.containerStatuses?.[0]?.lastState?.terminated, {
    exitCode: 3,
    reason: 'Error',
  });
  rig.runtime.exit(rig.runtime.latest('main')?.spec.id ?? '', 4);
  const waits = await rig.until(
    'crash',
    (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting !== undefined,
  );
  t.match(waits.status, {
    phase: 'Running',
    containerStatuses: [
      {
        ready: false,
        restartCount: 1,
        state: { waiting: { reason: 'CrashLoopBackOff', message: /^back-off 10s restarting/ } },
        lastState: { terminated: { exitCode: 4 } },
      },
    ],
  });
  const { uid } = waits.metadata;
  await eventually('the event', async () => {
    const { items } = await rig.api.collection<Event>(events).list();
    const told = items.filter(({ reason }) => reason === 'BackOff');
    return (
      told.length === 1 &&
      told[0]?.type === 'Warning' &&
      told[0].message ===
        `Back-off restarting failed container main in pod crash_default(${uid})` &&
      told[0].count === 1
    );
  });
});

t.test(
  'a container killed for its memory says so, with the limit and what was killed',
  async (t) => {
    const rig = await agentRig();
    t.teardown(() => rig.close());
    await rig.create(podOf('greedy', { restartPolicy: 'Never' }));
    await rig.until('greedy', (pod) => pod.status?.phase === 'Running');
    const message = 'Out of memory: killed sh (pid 7 on the node); limit 16.0 MiB.';
    rig.runtime.exit(rig.runtime.latest('main')?.spec.id ?? '', 137, 9, message);
    const { status } = await rig.until('greedy', (pod) => pod.status?.phase === 'Failed');
    t.match(status?.containerStatuses?.[0]?.state?.terminated, {
      reason: 'OOMKilled',
      exitCode: 137,
      message,
    });
  },
);

t.test('restartPolicy Never ends as Succeeded or Failed, and the pod is taken down', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  await rig.create(podOf('good', { restartPolicy: 'Never' }));
  await rig.until('good', (pod) => pod.status?.phase === 'Running');
  rig.runtime.exit(rig.runtime.latest('main')?.spec.id ?? '', 0);
  const good = await rig.until('good', (pod) => pod.status?.phase === 'Succeeded');
  t.match(good.status?.containerStatuses?.[0]?.state?.terminated, { reason: 'Completed' });
  t.match(
    good.status?.conditions?.find(({ type }) => type === 'Ready'),
    { status: 'False', reason: 'PodCompleted' },
  );
  await eventually('the sandbox to be gone', () => rig.runtime.sandboxes.size === 0);
  await rig.create(podOf('bad', { restartPolicy: 'Never' }));
  await rig.until('bad', (pod) => pod.status?.phase === 'Running');
  rig.runtime.exit(rig.runtime.latest('main')?.spec.id ?? '', 7);
  await rig.until('bad', (pod) => pod.status?.phase === 'Failed');
});

t.test('an agent that starts again adopts what runs: nothing is started twice', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  await rig.create(podOf('web'));
  await rig.until('web', (pod) => pod.status?.phase === 'Running');
  const before = rig.api.requests.length;
  await rig.restart();
  await eventually('the pod to be known', () => rig.pods.find('default', 'web') !== undefined);
  await eventually('volumes to be followed', () => {
    return rig.pods.find('default', 'web')?.state.volumesReady === true;
  });
  t.equal(rig.runtime.started.length, 1);
  const writes = rig.api.requests.slice(before).filter((line) => line.startsWith('patchStatus'));
  t.strictSame(writes, [], 'and nothing new is written');
  rig.runtime.exit(rig.runtime.latest('main')?.spec.id ?? '', 1);
  await rig.until('web', (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1);
});

t.test('after a loss of all records the restart count goes on from the API status', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  await rig.create(podOf('web'));
  await rig.until('web', (pod) => pod.status?.phase === 'Running');
  rig.runtime.exit(rig.runtime.latest('main')?.spec.id ?? '', 1);
  await rig.until('web', (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1);
  rig.runtime.containers.clear();
  rig.runtime.sandboxes.clear();
  rig.network.addresses.clear();
  await rig.restart();
  const again = await rig.until(
    'web',
    (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 2,
  );
  t.match(again.status?.containerStatuses?.[0]?.lastState?.terminated, {
    reason: 'ContainerStatusUnknown',
    exitCode: 137,
  });
});

t.test('pods that the API has forgotten are torn down after the first list', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  await rig.create(podOf('web'));
  const pod = await rig.until('web', (one) => one.status?.phase === 'Running');
  await rig.restart(() => rig.api.store.remove(pods, pod));
  await eventually('its containers to be gone', () => rig.runtime.containers.size === 0);
  t.equal(rig.runtime.sandboxes.size, 0);
});
