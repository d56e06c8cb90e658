/** The end of a pod is told at once: what is left of it is taken down meanwhile. */
import t from 'tap';
import { agentRig, eventually, podOf } from '../agent-rig.ts';

const writes = (lines: readonly string[]) =>
  lines.filter((line) => /^patchStatus pods/.test(line)).length;

t.test('who waits for a pod does not wait for its network to go', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  const detached = Promise.withResolvers<void>();
  const detach = rig.network.detach.bind(rig.network);
  rig.network.detach = async (uid) => {
    await detached.promise;
    await detach(uid);
  };
  await rig.create(podOf('job', { restartPolicy: 'Never' }));
  await rig.until('job', ({ status }) => status?.phase === 'Running');
  rig.runtime.exit(rig.runtime.started[0]?.id ?? '', 0);
  const ended = await rig.until('job', ({ status }) => status?.phase === 'Succeeded');
  t.equal(rig.network.attached().length, 1, 'while it is held up');
  const conditions = ended.status?.conditions ?? [];
  t.match(
    conditions.find(({ type }) => type === 'PodReadyToStartContainers'),
    { status: 'False' },
  );
  const written = writes(rig.api.requests);
  detached.resolve();
  await eventually('its network to go', () => rig.network.attached().length === 0);
  await eventually(
    'nothing of it to stand',
    () => rig.pods.find('default', 'job')?.state.standing === false,
  );
  await rig.create(podOf('next'));
  await rig.until('next', ({ status }) => status?.phase === 'Running');
  t.strictSame((await rig.get('job')).status, ended.status);
  t.equal(writes(rig.api.requests.filter((line) => line.endsWith('/job'))), written, 'told once');
});
