import t from 'tap';
import type { Pod } from '#api/resources/types.ts';
import { imaged, namesOf } from '../../support/workload-builders.ts';
import { aSet, does, look, podsOf, revisionOf } from './rig.ts';

const ordered = {};
const parallel = { podManagementPolicy: 'Parallel' };
const partition = (count: number) => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: count } },
});
const unavailable = (maxUnavailable: number | string) => ({
  podManagementPolicy: 'Parallel',
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable } },
});

/** [what, replicas, spec, pods there, pods made, pods deleted] */
const cases: [string, number, object, string, string[], string[]][] = [
  ['the first pod alone is made', 3, ordered, '', ['web-0'], []],
  ['the next waits until the one before is ready', 3, ordered, '0!', [], []],
  ['and comes then', 3, ordered, '0', ['web-1'], []],
  ['a hole is filled before the next', 3, ordered, '0 2', ['web-1'], []],
  ['a parallel set makes all at once', 3, parallel, '1', ['web-0', 'web-2'], []],
  ['a parallel set waits for nobody', 3, parallel, '0! 1x', ['web-2'], []],
  ['numbers begin where the set says', 2, { ordinals: { start: 5 } }, '5', ['web-6'], []],
  ['a number below the start goes', 1, { ordinals: { start: 5 } }, '5 0', [], ['web-0']],
  ['scaling down takes the highest, one at a time', 1, ordered, '0 1 2 3', [], ['web-3']],
  ['the next waits until it has gone', 1, ordered, '0 1 2 3x', [], []],
  ['scaling down halts while a lower pod is not well', 1, ordered, '0! 1 2', [], []],
  ['but a pod too many that is itself unwell goes', 1, ordered, '0 1 2!', [], ['web-2']],
  ['a sick pod too many waits for a sick one below it', 1, ordered, '0 1! 2!', [], []],
  ['a parallel set scales down at once', 1, parallel, '0! 1 2!', [], ['web-2', 'web-1']],
  ['a failed pod is deleted to be made again', 2, ordered, '0f 1', [], ['web-0']],
  ['an ordered set makes nothing while a pod is leaving', 3, ordered, '0x', [], []],
  ['an update takes the highest old pod', 3, ordered, '0~ 1~ 2~', [], ['web-2']],
  ['then waits until it is ready again', 3, ordered, '0~ 1~ 2!', [], []],
  ['then takes the next', 3, ordered, '0~ 1~ 2', [], ['web-1']],
  ['a parallel set updates one at a time, too', 3, parallel, '0~ 1~ 2!', [], []],
  ['a partition keeps the lower numbers', 3, partition(2), '0~ 1~ 2', [], []],
  ['a partition of more than all updates nothing', 3, partition(9), '0~ 1~ 2~', [], []],
  ['OnDelete updates nothing', 2, { updateStrategy: { type: 'OnDelete' } }, '0~ 1~', [], []],
  ['maxUnavailable lets several go', 4, unavailable(2), '0~ 1~ 2~ 3~', [], ['web-3', 'web-2']],
  ['maxUnavailable counts those away', 4, unavailable(2), '0~ 1~ 2~ 3!', [], ['web-2']],
  [
    'maxUnavailable: a share rounds down, at least one',
    3,
    unavailable('40%'),
    '0~ 1~ 2~',
    [],
    ['web-2'],
  ],
  [
    'maxUnavailable: an old pod that is away already may go',
    3,
    unavailable(1),
    '0~! 1~ 2',
    [],
    ['web-0'],
  ],
];

for (const [what, replicas, spec, pods, create, remove] of cases) {
  t.test(what, async (t) => {
    const set = aSet(replicas, spec);
    const revisions = [revisionOf(imaged(set, 'old')), { ...revisionOf(set), revision: 2 }];
    t.strictSame(does(look(set, podsOf(set, pods), revisions)), { create, remove });
  });
}

t.test('a pod has the name, labels, host name and revision of its place', async (t) => {
  const set = aSet(1, { ordinals: { start: 3 } });
  const [pod] = look(set).create;
  const revision = revisionOf(set).metadata.name;
  t.match(pod, {
    metadata: {
      name: 'web-3',
      labels: {
        app: 'web',
        'statefulset.kubernetes.io/pod-name': 'web-3',
        'apps.kubernetes.io/pod-index': '3',
        'controller-revision-hash': revision,
      },
      ownerReferences: [{ kind: 'StatefulSet', name: 'web', controller: true }],
    },
    spec: { hostname: 'web-3', subdomain: 'web' },
  });
  t.match(revision, /^web-[bcdfghjklmnpqrstvwxz2456789]{10}$/);
});

t.test('below the partition a pod that is made anew is of the current revision', async (t) => {
  const old = aSet(3, partition(2));
  const current = revisionOf(old);
  const set = imaged(old, 'busybox:2');
  set.status = { replicas: 3, currentRevision: current.metadata.name };
  const images = (pods: string) =>
    look(set, podsOf(set, pods, old), [current]).create.map(
      (pod) => pod.spec?.containers[0]?.image,
    );
  t.strictSame(images('0~ 2'), ['busybox'], 'web-1 is below it');
  t.strictSame(images('0~ 1~'), ['busybox:2'], 'web-2 is not');
});

t.test('a label of identity that was taken away is put back', async (t) => {
  const set = aSet(1);
  const [pod] = podsOf(set, '0');
  delete pod?.metadata.labels?.['apps.kubernetes.io/pod-index'];
  t.strictSame(namesOf(look(set, pod ? [pod] : []).identify), ['web-0']);
});

t.test(
  'it adopts selected pods with its names, no others, and releases what it selects no more',
  async (t) => {
    const set = aSet(3, parallel);
    const [member, stranger, relabelled] = podsOf(set, '0 1 2') as [Pod, Pod, Pod];
    delete member.metadata.ownerReferences;
    delete stranger.metadata.ownerReferences;
    stranger.metadata.name = 'other-1';
    relabelled.metadata.labels = { app: 'debug' };
    const { pods } = look(set, [member, stranger, relabelled]);
    t.strictSame([namesOf(pods.adopt), namesOf(pods.release)], [['web-0'], ['web-2']]);
  },
);

t.test('the status counts pods by revision and readiness', async (t) => {
  const set = aSet(4, { minReadySeconds: 10 });
  const old = imaged(set, 'old');
  const revisions = [revisionOf(old), { ...revisionOf(set), revision: 2 }];
  set.status = { replicas: 4, currentRevision: revisionOf(old).metadata.name };
  const pods = podsOf(set, '0~ 1~! 2 3x');
  t.strictSame(look(set, pods, revisions).status, {
    observedGeneration: 1,
    replicas: 4,
    readyReplicas: 3,
    availableReplicas: 3,
    currentReplicas: 2,
    updatedReplicas: 1,
    currentRevision: revisionOf(old).metadata.name,
    updateRevision: revisionOf(set).metadata.name,
    collisionCount: 0,
  });
});

t.test('when all pods are of the new revision and ready, it is the current one', async (t) => {
  const set = aSet(2);
  const old = imaged(set, 'old');
  set.status = { replicas: 2, currentRevision: revisionOf(old).metadata.name };
  const revisions = [revisionOf(old), { ...revisionOf(set), revision: 2 }];
  const { status } = look(set, podsOf(set, '0 1'), revisions);
  t.match(status, { currentRevision: revisionOf(set).metadata.name, currentReplicas: 2 });
});

t.test('a template that comes again gets its revision back under a new number', async (t) => {
  const set = aSet(1);
  const first = revisionOf(set);
  const second = { ...revisionOf(imaged(set, 'busybox:2')), revision: 2 };
  const { history } = look(set, [], [first, second]);
  t.match(history, { write: 'renumber', update: { metadata: first.metadata, revision: 3 } });
});

t.test('revisions beyond the limit are forgotten, but none that a pod is of', async (t) => {
  const set = aSet(1, { revisionHistoryLimit: 1 });
  const revisions = ['a', 'b', 'c', 'd'].map((image, i) => ({
    ...revisionOf(imaged(set, image)),
    revision: i + 1,
  }));
  const pods = podsOf(set, '0~', imaged(set, 'a'));
  t.strictSame(
    namesOf(look(set, pods, [...revisions, { ...revisionOf(set), revision: 9 }]).forget),
    [revisions[1]?.metadata.name, revisions[2]?.metadata.name],
  );
});
