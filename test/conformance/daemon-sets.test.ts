/** DaemonSets as the profile sees them, on nodes that are played. */
import t from 'tap';
import { controllerRevisions, daemonSets, nodes, pods } from '#api/resources/resource-types.ts';
import type { ControllerRevision, DaemonSet, Node, Pod } from '#api/resources/types.ts';
import { daemonSetController } from '#controller/daemonset/controller.ts';
import { garbageController } from '#controller/garbage/controller.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { imaged, imagesOf, lasting, type Space, startRig, template } from './workload-rig.ts';

const controllers = [schedulerController, daemonSetController, garbageController];
const rig = await startRig(controllers, { nodes: ['a', 'b', 'c'] });
rig.cluster.behave = ({ spec }) => (spec?.containers[0]?.image === 'missing' ? 'waiting' : 'ready');

type Tap = Pick<typeof t, 'equal' | 'match' | 'not' | 'ok' | 'strictSame'>;
t.jobs = 6;
let count = 0;
const test = (name: string, body: (t: Tap, space: Space) => Promise<void>) => {
  count += 1;
  const space = `daemon-${count}`;
  t.test(name, { buffered: true, timeout: 240_000 }, async (t) => body(t, await rig.space(space)));
};

const make = (space: Space, spec = {}) =>
  space.create<DaemonSet>(daemonSets, 'ds', lasting('ds', spec));
const ready = (space: Space, wanted: number) =>
  space.object<DaemonSet>(
    daemonSets,
    'ds',
    `${wanted} ready`,
    ({ metadata, status }) =>
      status?.observedGeneration === metadata.generation &&
      status?.numberReady === wanted &&
      status.desiredNumberScheduled === wanted &&
      (status.updatedNumberScheduled ?? 0) === wanted,
  );
const nodesOf = async (space: Space) =>
  (await space.pods()).map(({ spec }) => spec?.nodeName).sort();

test('Daemon set should run and stop simple daemon', async (t, space) => {
  await make(space);
  await ready(space, 3);
  t.strictSame(await nodesOf(space), ['a', 'b', 'c']);
  const [pod] = await space.pods();
  await space.of<Pod>(pods).delete(space.ref(pod?.metadata.name ?? ''));
  await space.until(
    'the pod to be made again',
    () => space.pods(),
    (found) =>
      found.length === 3 && found.every(({ metadata }) => metadata.uid !== pod?.metadata.uid),
  );
  await space
    .of<DaemonSet>(daemonSets)
    .delete(space.ref('ds'), { propagationPolicy: 'Background' });
  await space.until(
    'its pods to go',
    () => space.pods(),
    (found) => found.length === 0,
  );
});

test('Daemon set should run and stop complex daemon', async (t, space) => {
  const labelled = (colour: string | null) =>
    space.of<Node>(nodes).patch({ name: 'a' }, { metadata: { labels: { colour } } }, 'merge');
  const selecting = (colour: string) => template('ds', 'busybox', { nodeSelector: { colour } });
  await make(space, { template: selecting('blue'), updateStrategy: { type: 'OnDelete' } });
  await ready(space, 0);
  t.strictSame(await nodesOf(space), []);
  await labelled('blue');
  await ready(space, 1);
  t.strictSame(await nodesOf(space), ['a']);
  await labelled('green');
  await space.until(
    'it to leave',
    () => nodesOf(space),
    (found) => found.length === 0,
  );
  await space.patch(daemonSets, 'ds', {
    spec: { template: selecting('green'), updateStrategy: { type: 'RollingUpdate' } },
  });
  await ready(space, 1);
  t.strictSame(await nodesOf(space), ['a']);
  await labelled(null);
});

test('Daemon set should retry creating failed daemon pods', async (t, space) => {
  await make(space);
  await ready(space, 3);
  const [pod] = await space.pods();
  const ref = space.ref(pod?.metadata.name ?? '');
  await space.of<Pod>(pods).patchStatus(ref, { status: { phase: 'Failed' } }, 'merge');
  await space.until(
    'another pod',
    () => space.pods(),
    (found) =>
      found.length === 3 &&
      found.every(
        ({ metadata, status }) => metadata.uid !== pod?.metadata.uid && status?.phase === 'Running',
      ),
  );
  t.strictSame(await nodesOf(space), ['a', 'b', 'c']);
});

test('Daemon set should update pod when spec was updated and update strategy is RollingUpdate', async (t, space) => {
  await make(space);
  await ready(space, 3);
  const [first] = await space.revisions();
  await space.patch(daemonSets, 'ds', imaged('busybox:2'));
  await ready(space, 3);
  t.strictSame(imagesOf(await space.pods()), Array(3).fill('busybox:2'));
  const [, second] = await space.revisions();
  t.match([first?.revision, second?.revision], [1, 2]);
  const hash = second?.metadata.labels?.['controller-revision-hash'];
  const hashes = (await space.pods()).map(
    ({ metadata }) => metadata.labels?.['controller-revision-hash'],
  );
  t.strictSame(hashes, Array(3).fill(hash));
});

test('Daemon set should rollback without unnecessary restarts', async (t, space) => {
  await make(space);
  await ready(space, 3);
  const before = new Set((await space.pods()).map(({ metadata }) => metadata.uid));
  await space.patch(daemonSets, 'ds', imaged('missing'));
  await space.until(
    'the rollout to be stuck',
    () => space.pods(),
    (found) => imagesOf(found).includes('missing') && found.length === 3,
  );
  await space.patch(daemonSets, 'ds', imaged('busybox'));
  await ready(space, 3);
  const kept = (await space.pods()).filter(({ metadata }) => before.has(metadata.uid));
  t.equal(kept.length, 2, 'only what was new is replaced');
});

test('Daemon set should verify changes to a daemon set status', async (t, space) => {
  await make(space);
  const { status } = await ready(space, 3);
  const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set by e2e' };
  const collection = space.of<DaemonSet>(daemonSets);
  const patched = await collection.patchStatus(
    space.ref('ds'),
    { status: { conditions: [condition] } },
    'merge',
  );
  t.match(patched.status, { ...status, conditions: [condition] });
  await space.patch(daemonSets, 'ds', imaged('busybox:2'));
  t.match((await ready(space, 3)).status?.conditions, [condition]);
});

test('ControllerRevision should manage the lifecycle of a ControllerRevision', async (t, space) => {
  await make(space, { revisionHistoryLimit: 0 });
  await ready(space, 3);
  const [first] = (await space.revisions()) as [ControllerRevision];
  t.match(first.metadata, {
    labels: { app: 'ds' },
    ownerReferences: [{ kind: 'DaemonSet', name: 'ds', controller: true }],
  });
  const collection = space.of<ControllerRevision>(controllerRevisions);
  const ref = space.ref(first.metadata.name);
  const patched = await collection.patch(ref, { metadata: { labels: { more: 'yes' } } }, 'merge');
  t.equal(patched.metadata.labels?.['more'], 'yes');
  await space.patch(daemonSets, 'ds', imaged('busybox:2'));
  await ready(space, 3);
  const left = await space.until(
    'the old one to be forgotten',
    () => space.revisions(),
    (found) => found.length === 1,
  );
  t.not(left[0]?.metadata.name, first.metadata.name);
  await collection.delete(space.ref(left[0]?.metadata.name ?? ''));
  const again = await space.until(
    'it to be made again',
    () => space.revisions(),
    (found) => found.length === 1 && found[0]?.metadata.uid !== left[0]?.metadata.uid,
  );
  t.equal(again[0]?.metadata.name, left[0]?.metadata.name);
});
