/**
 * What the cluster's ImagePolicies say against a pod's images by their names alone. Signatures are the nodes' matter: to look
 * for them takes a registry.
 */

import { type ImagePolicy, refusalByName } from '#api/resources/image-policy.ts';
import { objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { forbidden, type StatusError } from '#api/resources/status.ts';

const PODS = { group: '', plural: 'pods' };
const LISTS = ['initContainers', 'containers', 'ephemeralContainers'];

/** Each image of the pod, whichever kind of container or volume it is for, with its field. */
function imagesOf(pod: KubeObject): readonly (readonly [field: string, image: string])[] {
  const spec = objectOr(pod['spec']);
  const containers = LISTS.flatMap((list) =>
    objectsOf(spec[list]).map(({ image }, i) => [`spec.${list}[${i}].image`, image] as const),
  );
  const volumes = objectsOf(spec['volumes']).map(
    ({ image }, i) => [`spec.volumes[${i}].image.reference`, objectOr(image)['reference']] as const,
  );
  return [...containers, ...volumes]
    .map(([field, image]) => [field, stringOr(image)] as const)
    .filter(([, image]) => image !== '');
}

/**
 * 403 that names the field and the policy. `old`: the pod as it is; what it has already, was let in.
 */
export function refusedImages(
  pod: KubeObject,
  policies: readonly ImagePolicy[],
  old?: KubeObject,
): StatusError | undefined {
  if (policies.length === 0) return undefined;
  const had = new Set(old === undefined ? [] : imagesOf(old).map(([, image]) => image));
  for (const [field, image] of imagesOf(pod)) {
    const why = had.has(image) ? undefined : refusalByName(policies, image);
    if (why !== undefined) return forbidden(PODS, pod.metadata.name, `${field} "${image}": ${why}`);
  }
  return undefined;
}
