import t from 'tap';
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
