import t from 'tap';
import type { Deployment, Pod, ReplicaSet } from '#api/resources/types.ts';
import { type Plan, plan } from '#controller/deployment/plan.ts';
import { boundsOf } from '#controller/deployment/sizes.ts';
import { newReplicaSet } from '#controller/deployment/template.ts';
import { aDeployment } from '../../support/builders.ts';

const nowMs = Date.parse('2030-01-01T01:00:00Z');
const rolling = (maxSurge: number | string, maxUnavailable: number | string) => ({
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
});

/** A ReplicaSet of the Deployment: `size` in the spec, `available` pods of them. */
function aSet(deployment: Deployment, image: string, size: number, available = size): ReplicaSet {
  const other = structuredClone(deployment);
  const container = other.spec?.template.spec?.containers[0];
  if (container !== undefined) container.image = image;
  const set = newReplicaSet(other);
  set.metadata.creationTimestamp = `2030-01-01T00:00:0${image.length}Z`;
  set.metadata.annotations = {
    'deployment.kubernetes.io/revision': String(image.length),
    'deployment.kubernetes.io/desired-replicas': String(deployment.spec?.replicas),
    'deployment.kubernetes.io/max-replicas': String(
      boundsOf(deployment).replicas + boundsOf(deployment).maxSurge,
    ),
  };
  if (set.spec) set.spec.replicas = size;
  set.status = { replicas: size, readyReplicas: available, availableReplicas: available };
  return set;
}

const planned = (
  deployment: Deployment,
  replicaSets: ReplicaSet[],
  podsOf: (set: ReplicaSet) => Pod[] = () => [],
): Plan => plan({ deployment, replicaSets, podsOf, nowMs });

/** Sizes after the plan, in the order of the sets given, then of the one to be made. */
function sizes(sets: ReplicaSet[], { update, create }: Plan): (number | undefined)[] {
  const after = sets.map(
    (set) => (update.find((one) => one.metadata.name === set.metadata.name) ?? set).spec?.replicas,
  );
  return create === undefined ? after : [...after, create.spec?.replicas];
}

const current = 'busybox';

t.test(
  'bounds: percentages of surge round up, of unavailability down, never both zero',
  async (t) => {
    const of = (replicas: number, surge: number | string, away: number | string) => {
      const { maxSurge, maxUnavailable } = boundsOf(
        aDeployment('d', replicas, rolling(surge, away)),
      );
      return [maxSurge, maxUnavailable];
    };
    t.strictSame(of(10, '25%', '25%'), [3, 2]);
    t.strictSame(of(1, '25%', '25%'), [1, 0]);
    t.strictSame(of(10, 2, 0), [2, 0]);
    t.strictSame(of(10, 0, '5%'), [0, 1]);
    t.strictSame(of(3, 0, 5), [0, 3]);
  },
);

t.test(
  'a new Deployment makes one ReplicaSet of full size, labelled by its template',
  async (t) => {
    const { create, status } = planned(aDeployment('web', 3), []);
    t.match(create?.metadata.name, /^web-[bcdfghjklmnpqrstvwxz2456789]{10}$/);
    const hash = create?.metadata.labels?.['pod-template-hash'];
    t.match(create?.spec, {
      replicas: 3,
      selector: { matchLabels: { app: 'web', 'pod-template-hash': hash } },
      template: { metadata: { labels: { app: 'web', 'pod-template-hash': hash } } },
    });
    t.match(create?.metadata.annotations, {
      'deployment.kubernetes.io/revision': '1',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    });
    t.match(status.conditions, [
      { type: 'Progressing', status: 'True', reason: 'NewReplicaSetCreated' },
      { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable' },
    ]);
  },
);

t.test(
  'the name of a ReplicaSet follows from the template alone, and a collision changes it',
  async (t) => {
    const name = (deployment: Deployment) => planned(deployment, []).create?.metadata.name;
    const deployment = aDeployment('web', 3);
    const reordered = structuredClone(deployment);
    const { template } = reordered.spec ?? {};
    if (reordered.spec && template)
      reordered.spec.template = { spec: template.spec, metadata: template.metadata } as never;
    t.equal(name(reordered), name(deployment));
    t.not(name({ ...deployment, status: { collisionCount: 1 } }), name(deployment));
  },
);

/** [what, replicas, surge, unavailable, old size, old available, new size, new available → old, new] */
const steps: [string, number, number, number, number, number, number, number, number, number][] = [
  ['begins with the surge, old pods stay while none may be away', 10, 3, 0, 10, 10, 0, 0, 10, 3],
  ['takes away at once what may be away', 10, 3, 2, 10, 10, 0, 0, 8, 3],
  ['old pods go as new ones become available', 10, 3, 0, 10, 10, 3, 2, 8, 3],
  ['new pods come as old ones have gone', 10, 3, 0, 8, 8, 3, 2, 8, 5],
  ['old pods that are not available go first', 10, 3, 2, 10, 5, 3, 0, 8, 3],
  ['without surge old ones go first', 4, 0, 1, 4, 4, 0, 0, 3, 0],
  ['ends with none of the old', 4, 1, 0, 1, 1, 4, 4, 0, 4],
  ['waits while new pods are not available', 4, 1, 0, 4, 4, 1, 0, 4, 1],
];

for (const [what, replicas, surge, away, old, oldUp, size, up, oldNext, next] of steps) {
  t.test(`rolling: ${what}`, async (t) => {
    const deployment = aDeployment('d', replicas, rolling(surge, away));
    const sets = [aSet(deployment, 'old', old, oldUp), aSet(deployment, current, size, up)];
    t.strictSame(sizes(sets, planned(deployment, sets)), [oldNext, next]);
  });
}

t.test('scaling in the middle of a rollout gives each ReplicaSet its share', async (t) => {
  const before = aDeployment('d', 10, rolling(3, 2));
  const sets = [aSet(before, 'old', 8), aSet(before, current, 5)];
  const scaled = aDeployment('d', 15, rolling(3, 2));
  t.strictSame(sizes(sets, planned(scaled, sets)), [11, 7], "Kubernetes' own example");
});

t.test('a Deployment that is scaled at rest scales its one ReplicaSet', async (t) => {
  const sets = [aSet(aDeployment('d', 3), current, 3)];
  t.strictSame(sizes(sets, planned(aDeployment('d', 7), sets)), [7]);
  t.strictSame(sizes(sets, planned(aDeployment('d', 0), sets)), [0]);
});

t.test('Recreate: the new ReplicaSet waits for the last old pod', async (t) => {
  const deployment = aDeployment('d', 3, { strategy: { type: 'Recreate' } });
  const old = aSet(deployment, 'old', 3);
  t.strictSame(sizes([old], planned(deployment, [old])), [0]);
  const empty = aSet(deployment, 'old', 0);
  const pod = { metadata: { name: 'p', deletionTimestamp: 'now' } } as Pod;
  t.equal(planned(deployment, [empty], () => [pod]).create, undefined);
  t.strictSame(sizes([empty], planned(deployment, [empty])), [0, 3]);
});

t.test('a paused Deployment begins nothing but scales', async (t) => {
  const before = aDeployment('d', 3);
  const old = aSet(before, 'old', 3);
  const paused = aDeployment('d', 5, { paused: true });
  const result = planned(paused, [old]);
  t.equal(result.create, undefined);
  t.strictSame(sizes([old], result), [5]);
  t.match(result.status.conditions, [
    { type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused' },
  ]);
});

t.test('going back to an earlier template makes its ReplicaSet the newest revision', async (t) => {
  const deployment = aDeployment('d', 1);
  const now = aSet(deployment, current, 0);
  const later = aSet(deployment, 'busybox:later', 1);
  const { update, create } = planned(deployment, [now, later]);
  t.equal(create, undefined);
  const back = update.find(({ metadata }) => metadata.name === now.metadata.name);
  t.match(back?.metadata.annotations, {
    'deployment.kubernetes.io/revision': '14',
    'deployment.kubernetes.io/revision-history': '7',
  });
});

t.test('a finished rollout keeps as much history as asked for', async (t) => {
  const deployment = aDeployment('d', 1, { revisionHistoryLimit: 1 });
  const sets = [aSet(deployment, 'a', 0), aSet(deployment, 'bb', 0), aSet(deployment, current, 1)];
  const { remove } = planned(deployment, sets);
  t.strictSame(
    remove.map(({ metadata }) => metadata.name),
    [sets[0]?.metadata.name],
  );
});

const progress = (deployment: Deployment, sets: ReplicaSet[]) =>
  planned(deployment, sets).status.conditions?.find(({ type }) => type === 'Progressing');

t.test('a complete rollout says NewReplicaSetAvailable', async (t) => {
  const deployment = aDeployment('d', 2);
  const set = aSet(deployment, current, 2);
  t.match(progress(deployment, [set]), {
    status: 'True',
    reason: 'NewReplicaSetAvailable',
    message: `ReplicaSet "${set.metadata.name}" has successfully progressed.`,
  });
});

t.test('a rollout that stands still for too long says ProgressDeadlineExceeded', async (t) => {
  const condition = (lastUpdateTime: string) => ({
    type: 'Progressing',
    status: 'True',
    reason: 'ReplicaSetUpdated',
    lastUpdateTime,
    lastTransitionTime: lastUpdateTime,
  });
  const since = (time: string): Deployment => ({
    ...aDeployment('d', 2),
    status: {
      replicas: 2,
      updatedReplicas: 2,
      unavailableReplicas: 2,
      conditions: [condition(time)],
    },
  });
  const late = since('2030-01-01T00:49:00Z');
  t.match(progress(late, [aSet(late, current, 2, 0)]), {
    status: 'False',
    reason: 'ProgressDeadlineExceeded',
  });
  const inTime = since('2030-01-01T00:59:00Z');
  t.match(progress(inTime, [aSet(inTime, current, 2, 0)]), { reason: 'ReplicaSetUpdated' });
  t.equal(planned(inTime, [aSet(inTime, current, 2, 0)]).againMs, 541_000);
});

t.test('a rollout at rest plans nothing', async (t) => {
  const deployment = aDeployment('d', 2);
  const set = aSet(deployment, current, 2);
  set.metadata.annotations = {
    ...set.metadata.annotations,
    'deployment.kubernetes.io/revision': '1',
  };
  const { update, remove, create } = planned(deployment, [set]);
  t.strictSame([update, remove, create], [[], [], undefined]);
});
