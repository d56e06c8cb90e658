/** The description of a Deployment. */
import { numberOr, objectOr, stringOr } from '#api/resources/json.ts';
import { controllerOf, type KubeObject } from '#api/resources/meta.ts';
import { replicaSets } from '#api/resources/resource-types.ts';
import { describeConditions } from './any-kind.ts';
import type { Subject } from './describe.ts';
import { describePodTemplate } from './pod-template.ts';
import { longTime, selectorText, type Writer } from './writer.ts';

const revisionKey = 'deployment.kubernetes.io/revision';

/** `web-1 (2/3 replicas created)`. */
const shown = (sets: readonly KubeObject[]): string =>
  sets.length === 0
    ? '<none>'
    : sets
        .map(({ metadata, spec, status }) => {
          const { replicas: wanted } = objectOr(spec);
          return `${metadata.name} (${numberOr(objectOr(status)['replicas'])}/${wanted ?? 1} replicas created)`;
        })
        .join(', ');

const revision = ({ metadata }: KubeObject): number =>
  Number(metadata.annotations?.[revisionKey] ?? 0);

async function setsOf({ client, object }: Subject) {
  const { namespace = 'default', uid } = object.metadata;
  const { items } = await client.collection<KubeObject>(replicaSets).list({ namespace });
  const own = items.filter((one) => controllerOf(one)?.uid === uid);
  const newest = own.find((one) => revision(one) === revision(object) && revision(one) > 0);
  const old = own.filter((one) => one !== newest).sort((a, b) => revision(a) - revision(b));
  return { newest, old };
}

export async function describeDeployment(out: Writer, subject: Subject): Promise<void> {
  const { object } = subject;
  const { metadata } = object;
  const spec = objectOr(object['spec']);
  const status = objectOr(object['status']);
  const strategy = objectOr(spec['strategy']);
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace ?? '');
  out.field(0, 'CreationTimestamp', longTime(metadata.creationTimestamp));
  out.labels('Labels', metadata.labels);
  out.annotations('Annotations', metadata.annotations);
  out.field(0, 'Selector', selectorText(spec['selector']));
  const count = (field: string) => numberOr(status[field]);
  out.field(
    0,
    'Replicas',
    `${spec['replicas'] ?? 1} desired | ${count('updatedReplicas')} updated | ${count('replicas')} total | ${count('availableReplicas')} available | ${count('unavailableReplicas')} unavailable`,
  );
  out.field(0, 'StrategyType', stringOr(strategy['type']));
  out.field(0, 'MinReadySeconds', numberOr(spec['minReadySeconds']));
  if (strategy['rollingUpdate'] !== undefined) {
    const { maxUnavailable, maxSurge } = objectOr(strategy['rollingUpdate']);
    out.field(
      0,
      'RollingUpdateStrategy',
      `${maxUnavailable} max unavailable, ${maxSurge} max surge`,
    );
  }
  describePodTemplate(out, spec['template']);
  describeConditions(out, status['conditions'], ['Type', 'Status', 'Reason']);
  const { newest, old } = await setsOf(subject);
  if (newest === undefined && old.length === 0) return;
  out.field(0, 'OldReplicaSets', shown(old));
  out.field(0, 'NewReplicaSet', shown(newest === undefined ? [] : [newest]));
}
