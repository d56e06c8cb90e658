import t from 'tap';
import { ownerReferenceTo } from '#api/resources/meta.ts';
import type { Pod } from '#api/resources/types.ts';
import { plan } from '#controller/replicaset/plan.ts';
import { replicaSetStatus } from '#controller/replicaset/status.ts';
import { untilAvailableMs } from '#controller/workload/pod-state.ts';
import { deletionOrder } from '#controller/workload/rank.ts';
import { aPod, aReplicaSet } from '../../support/builders.ts';

const set = aReplicaSet('web', 3);
const own = (name: string, more: Partial<Pod> = {}): Pod => {
  const pod = { ...aPod(name, {}, { app: 'web' }), ...more };
  return { ...pod, metadata: { ...pod.metadata, ownerReferences: [ownerReferenceTo(set)] } };
};
const ready = (since = '2030-01-01T00:00:00Z') => ({
  phase: 'Running',
  conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: since }],
});
const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);

t.test('missing pods are made from the template, owned, with valid unique names', async (t) => {
  const { create } = plan(set, [own('web-a')]);
  t.equal(create.length, 2);
  t.equal(new Set(names(create)).size, 2);
  for (const pod of create) {
    t.match(pod.metadata.name, /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    t.match(pod.metadata, { labels: { app: 'web' }, namespace: 'default', generateName: 'web-' });
    t.match(pod.metadata.ownerReferences, [
      {
        kind: 'ReplicaSet',
        name: 'web',
        uid: 'uid-web',
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
  }
});

t.test('the same view gives the same names, a later one gives new ones', async (t) => {
  const first = names(plan(set, []).create);
  t.strictSame(names(plan(set, []).create), first);
  const later = { ...set, metadata: { ...set.metadata, resourceVersion: '2' } };
  t.equal(new Set([...names(plan(later, []).create), ...first]).size, 6);
});

t.test('ended and leaving pods are replaced', async (t) => {
  const failed = own('web-f', { status: { phase: 'Failed' } } as Partial<Pod>);
  const leaving = own('web-l');
  leaving.metadata.deletionTimestamp = '2030-01-01T00:00:00Z';
  t.equal(plan(set, [own('web-a'), failed, leaving]).create.length, 2);
});

t.test('a ReplicaSet that is being deleted makes and takes nothing', async (t) => {
  const going = { ...set, metadata: { ...set.metadata, deletionTimestamp: 'now' } };
  t.match(plan(going, [aPod('x', {}, { app: 'web' })]), { create: [], remove: [], adopt: [] });
});

t.test(
  'it adopts what it selects and nobody controls, and releases what it selects no more',
  async (t) => {
    const orphan = aPod('orphan', {}, { app: 'web' });
    const relabelled = own('relabelled');
    relabelled.metadata.labels = { app: 'debug' };
    const stranger = own('stranger');
    stranger.metadata.ownerReferences = [{ ...ownerReferenceTo(set), uid: 'another' }];
    const result = plan(set, [orphan, relabelled, stranger, own('a'), own('b')]);
    t.strictSame(names(result.adopt), ['orphan']);
    t.strictSame(names(result.release), ['relabelled']);
    t.strictSame(names(result.own), ['a', 'b']);
    t.strictSame([result.create.length, result.remove.length], [0, 0]);
  },
);

t.test('surplus pods go in the order of Kubernetes', async (t) => {
  const pods = [
    own('running-ready-old', { status: ready('2030-01-01T00:00:00Z') } as Partial<Pod>),
    own('running-ready-new', { status: ready('2030-01-02T00:00:00Z') } as Partial<Pod>),
    own('running', { status: { phase: 'Running' } } as Partial<Pod>),
    own('pending', { status: { phase: 'Pending' } } as Partial<Pod>),
  ].map((pod) => ({ ...pod, spec: { containers: [], nodeName: 'a' } }));
  const nowhere = own('nowhere', { status: { phase: 'Pending' } } as Partial<Pod>);
  const cheap = structuredClone(pods[0]) as Pod;
  cheap.metadata.name = 'cheap';
  cheap.metadata.annotations = { 'controller.kubernetes.io/pod-deletion-cost': '-5' };
  t.strictSame(names(deletionOrder([...pods, nowhere, cheap])), [
    'nowhere',
    'pending',
    'running',
    'cheap',
    'running-ready-new',
    'running-ready-old',
  ]);
});

t.test('the status counts ready, available, labelled and leaving pods', async (t) => {
  const slow = { ...set, spec: { ...set.spec, minReadySeconds: 10 } } as typeof set;
  slow.metadata.generation = 7;
  const now = Date.parse('2030-01-01T00:00:05Z');
  const leaving = own('l');
  leaving.metadata.deletionTimestamp = '2030-01-01T00:00:00Z';
  const pods = [
    own('a', { status: ready('2030-01-01T00:00:00Z') } as Partial<Pod>),
    own('b', { status: ready('2029-12-31T00:00:00Z') } as Partial<Pod>),
    own('c'),
    leaving,
  ];
  t.strictSame(replicaSetStatus(slow, pods, now), {
    replicas: 3,
    fullyLabeledReplicas: 3,
    readyReplicas: 2,
    availableReplicas: 1,
    terminatingReplicas: 1,
    observedGeneration: 7,
  });
  t.equal(untilAvailableMs(pods, 10, now), 5_000);
});
