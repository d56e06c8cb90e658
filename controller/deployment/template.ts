/** Which ReplicaSet is a Deployment's newest: the one with its template. */
import { ownerReferenceTo } from '#api/resources/meta.ts';
import type { Deployment, PodTemplateSpec, ReplicaSet } from '#api/resources/types.ts';
import { canonicalJson, stableSuffix } from '#controller/runtime/stable-name.ts';

/** Tells the pods of one ReplicaSet from those of its siblings. */
export const hashLabel = 'pod-template-hash';

/** The template as text, equal for templates that ask for the same. */
function templateText(template: PodTemplateSpec | undefined): string {
  const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {};
  return canonicalJson({ ...template, metadata: { ...template?.metadata, labels } });
}

/** The ReplicaSet made from the Deployment's template of now; of several (which should not be) the oldest. */
export function newestOf(
  deployment: Deployment,
  replicaSets: readonly ReplicaSet[],
): ReplicaSet | undefined {
  const wanted = templateText(deployment.spec?.template);
  return replicaSets.find(({ spec }) => templateText(spec?.template) === wanted);
}

/** The ReplicaSet for the Deployment's template, still without pods. `collisionCount` gives another name. */
export function newReplicaSet(deployment: Deployment): ReplicaSet {
  const { name, namespace } = deployment.metadata;
  const { template, selector, minReadySeconds } = deployment.spec ?? {};
  const salt = deployment.status?.collisionCount ?? 0;
  const hash = stableSuffix(`${templateText(template)}/${salt}`, 10);
  const labels = { ...template?.metadata?.labels, [hashLabel]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels,
      ownerReferences: [ownerReferenceTo(deployment)],
    },
    spec: {
      replicas: 0,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, [hashLabel]: hash } },
      template: {
        ...template,
        metadata: { ...template?.metadata, labels },
      } as NonNullable<NonNullable<ReplicaSet['spec']>['template']>,
    },
  };
}
