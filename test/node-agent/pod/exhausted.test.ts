/** A node whose addresses are all taken. */
import t, { type Test } from 'tap';
import { events } from '#api/resources/resource-types.ts';
import type { Event, Pod } from '#api/resources/types.ts';
import { agentRig, eventually, podOf } from '../agent-rig.ts';

const isRunning = (pod: Pod) => pod.status?.phase === 'Running';

/** One pod runs, and has the only address. */
async function fullNode(t: Test) {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  rig.network.room = 1;
  await rig.create(podOf('first'));
  await rig.until('first', isRunning);
  const told = (name: string) =>
    (rig.api.store.all(events) as Event[]).filter(
      ({ reason, involvedObject }) =>
        reason === 'FailedCreatePodSandBox' && involvedObject.name === name,
    );
  /** A pod that found no address, and was told so. */
  const waiting = async (name: string) => {
    await rig.create(podOf(name));
    await eventually(`${name} to be told`, () => told(name).length > 0);
    return (await rig.get(name)).metadata.uid ?? '';
  };
  const tries = (uid: string) => rig.network.asked.filter((one) => one === uid).length;
  const remove = (name: string) => rig.world.pods.delete({ namespace: 'default', name });
  return { ...rig, told, waiting, tries, remove, pods: rig.pods };
}

t.test(
  'a pod for which there is no address says so where Kubernetes does, and is left in peace',
  async (t) => {
    const { waiting, told, until, tries, create, network } = await fullNode(t);
    const uid = await waiting('late');
    t.match(told('late'), [
      {
        type: 'Warning',
        message: `Failed to create pod sandbox: ${network.full}`,
        involvedObject: { kind: 'Pod', name: 'late' },
      },
    ]);
    const { status } = await until('late', (pod) => pod.status?.containerStatuses !== undefined);
    t.match(status, {
      phase: 'Pending',
      containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }],
    });
    await create(podOf('beside', { hostNetwork: true }));
    await until('beside', isRunning);
    t.equal(tries(uid), 1, 'it was not tried again meanwhile');
    t.equal(told('late').length, 1);
  },
);

t.test('an address that is given back goes to the pod that waits longest, at once', async (t) => {
  const { waiting, pods, tries, until, remove, get, told } = await fullNode(t);
  const uid = await waiting('second');
  // Its next try by itself is not before twenty seconds.
  pods.retry(uid);
  await eventually('it to be tried again', () => tries(uid) === 2);
  const third = await waiting('third');
  await remove('first');
  await until('second', isRunning);
  t.equal(tries(uid), 3);
  t.equal(tries(third), 1, 'who could have none is not asked');
  t.match(await get('third'), { status: { phase: 'Pending' } });
  pods.retry(third);
  await eventually('it to be tried again', () => tries(third) === 2);
  await remove('second');
  await until('third', isRunning);
  t.equal(told('third').length, 1, 'told once, and counted');
});
