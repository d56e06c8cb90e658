/** A real agent told that its machine runs out: real containers go, and nothing of them stays. */
import { rmSync } from 'node:fs';
import t from 'tap';
import { events, nodes, pods } from '#api/resources/resource-types.ts';
import type { Event, Node, Pod, PodContainer, Volume } from '#api/resources/types.ts';
import { eventually, podOf } from '../agent-rig.ts';
import { machineRig, needsRoot } from '../machine-rig.ts';
import { noDisk, noMemory, plenty } from './pressed.ts';

/** Deaf to SIGTERM, so that only a kill without grace ends it in time. */
const main = (first: string, more: Partial<PodContainer> = {}): PodContainer => ({
  name: 'main',
  image: 'bayplan.local/busybox',
  command: ['sh', '-c', `${first}; echo ready; trap "" TERM; while :; do sleep 1; done`],
  ...more,
});

t.test(
  'pods are evicted under real pressure of memory and disk',
  { skip: needsRoot },
  async (t) => {
    let now = plenty;
    const rig = await machineRig({ podCidr: '10.199.32.0/28', readSignals: async () => now });
    const agent = await rig.start();
    const create = async (name: string, container: PodContainer, volumes: Volume[] = []) => {
      await rig.api.collection<Pod>(pods).create(podOf(name, { containers: [container], volumes }));
      await eventually(`${name} to be ready`, async () =>
        (await rig.ask(agent, 'GET', `/containerLogs/default/${name}/main`)).includes('ready'),
      );
    };
    const evicted = async () =>
      (await agent.evictions.look()).map(({ metadata }) => metadata.name).join(' ');
    const gone = async (name: string) => {
      await eventually(`${name} to be over`, async () => {
        const state = agent.pods.find('default', name)?.state;
        return (await rig.get(name)).status?.phase === 'Failed' && state?.standing === false;
      });
      return (await rig.get(name)).status;
    };
    const pressure = async () =>
      (await rig.api.collection<Node>(nodes).get({ name: 'n1' })).status?.conditions
        ?.filter(({ type, status }) => type.endsWith('Pressure') && status === 'True')
        .map(({ type }) => type);

    await create('quiet', main('true', { resources: { requests: { memory: '512Mi' } } }));
    await eventually('the node to be registered', async () => (await pressure())?.length === 0);
    const before = rig.ours();

    // A shell variable of 24 MiB is anonymous memory: part of any working set.
    await create('hungry', main('x=$(head -c 25165824 /dev/zero | tr "\\0" x)'));
    now = noMemory;
    t.equal(await evicted(), 'hungry');
    t.match(await gone('hungry'), {
      reason: 'Evicted',
      message:
        /^The node was low on resource: memory\. Threshold quantity: 100Mi, available: 50Mi\. Container main was using \d+Ki, request is 0, has larger consumption of memory\. $/,
      containerStatuses: [{ state: { terminated: { exitCode: 137 } } }],
    });
    await eventually('the condition', async () => (await pressure())?.[0] === 'MemoryPressure');
    const told = () =>
      (rig.api.store.all(events) as Event[])
        .filter(({ involvedObject }) => involvedObject.kind === 'Node')
        .map(({ reason }) => reason);
    await eventually('the events of the node', () =>
      ['EvictionThresholdMet', 'NodeHasInsufficientMemory'].every((one) => told().includes(one)),
    );
    t.match(await rig.ask(agent, 'GET', '/containerLogs/default/hungry/main'), /ready/, 'its log');

    now = plenty;
    t.equal(await evicted(), '');
    t.strictSame(await pressure(), ['MemoryPressure'], 'it stays for a while');
    // The node takes none without requests meanwhile.
    const asking = { resources: { requests: { memory: '1Mi' } } };
    await create('writer', main('head -c 8388608 /dev/zero > /data', asking));
    now = noDisk;
    t.equal(await evicted(), 'writer');
    t.match((await gone('writer'))?.message, /^The node was low on resource: ephemeral-storage\. /);

    now = plenty;
    await agent.close();
    const next = await rig.start();
    t.match((await rig.get('writer')).status, { phase: 'Failed', reason: 'Evicted' });
    for (const name of ['hungry', 'writer']) {
      await rig.api
        .collection<Pod>(pods)
        .delete({ namespace: 'default', name }, { gracePeriodSeconds: 0 });
      await eventually(
        'the agent to forget it',
        () => next.pods.find('default', name) === undefined,
      );
    }
    let left: string[] = [];
    await eventually('all of theirs to be gone', () => {
      // The cgroup of a class is the node's, once a pod was of it.
      const isClass = (line: string) => line.endsWith('/besteffort');
      left = rig.ours().filter((line) => !before.includes(line) && !isClass(line));
      return left.length === 0;
    }).catch(() => t.strictSame(left, []));
    t.equal((await rig.get('quiet')).status?.phase, 'Running', 'who did nothing runs on');
    await rig.ask(next, 'POST', '/shutdown?containers=stop');
    await next.close();
    rmSync(rig.dir, { recursive: true, force: true });
    await eventually('the machine to be as it was', () => rig.ours().length === 0);
  },
);

t.test('who goes for a soft threshold may end by itself', { skip: needsRoot }, async (t) => {
  let now = plenty;
  const rig = await machineRig({
    podCidr: '10.199.33.0/28',
    readSignals: async () => now,
    settings: {
      evictionSoft: { 'memory.available': '4Gi' },
      evictionSoftGracePeriod: { 'memory.available': '1ms' },
      evictionMaxPodGracePeriod: 60,
    },
  });
  const agent = await rig.start();
  const command = 'trap "echo ended well; exit 0" TERM; echo ready; while :; do sleep 0.1; done';
  const containers = [
    { name: 'main', image: 'bayplan.local/busybox', command: ['sh', '-c', command] },
  ];
  await rig.api.collection<Pod>(pods).create(podOf('polite', { containers }));
  const log = () => rig.ask(agent, 'GET', '/containerLogs/default/polite/main');
  await eventually('the pod to be ready', async () => (await log()).includes('ready'));
  now = { ...plenty, memory: { ...plenty.memory, available: plenty.memory.available - 1 } };
  await eventually('the eviction', async () => (await agent.evictions.look()).length > 0);
  await eventually('the pod to be over', async () => {
    const state = agent.pods.find('default', 'polite')?.state;
    return (await rig.get('polite')).status?.phase === 'Failed' && state?.standing === false;
  });
  t.match((await rig.get('polite')).status, {
    reason: 'Evicted',
    message: /^The node was low on resource: memory\. Threshold quantity: 4Gi/,
    containerStatuses: [{ state: { terminated: { exitCode: 0 } } }],
  });
  t.match(await log(), /ended well/);
  await rig.ask(agent, 'POST', '/shutdown?containers=stop');
  await agent.close();
  rmSync(rig.dir, { recursive: true, force: true });
  await eventually('the machine to be as it was', () => rig.ours().length === 0);
});
