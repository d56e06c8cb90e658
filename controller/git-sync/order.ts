/** In which order documents are applied: what others need comes first. Removing goes the other way. */

const stages: readonly (readonly string[])[] = [
  ['Namespace'],
  ['CustomResourceDefinition'],
  ['PriorityClass', 'StorageClass', 'RuntimeClass', 'IngressClass', 'VolumeAttributesClass'],
  ['ResourceQuota', 'LimitRange', 'ServiceAccount', 'ClusterRole', 'Role'],
  ['ClusterRoleBinding', 'RoleBinding', 'NetworkPolicy'],
  ['Secret', 'ConfigMap', 'PersistentVolume', 'PersistentVolumeClaim', 'Image', 'ImagePolicy'],
  ['Service'],
];
/** Kinds in no list, custom ones and workloads among them. */
const usual = stages.length;
/** These act on what others write; a mistake in one holds nothing else up. */
const last = new Set(
  `MutatingWebhookConfiguration ValidatingWebhookConfiguration ValidatingAdmissionPolicy
   ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding APIService`.split(
    /\s+/,
  ),
);

/** The stage of a kind, from 0. */
export function stageOf({ kind }: { readonly kind: string }): number {
  const stage = stages.findIndex((kinds) => kinds.includes(kind));
  if (stage >= 0) return stage;
  return last.has(kind) ? usual + 1 : usual;
}

/** The things stage by stage, empty ones left out. */
export function inStages<T>(
  things: readonly T[],
  kindOf: (thing: T) => { readonly kind: string },
): T[][] {
  const all: T[][] = Array.from({ length: usual + 2 }, () => []);
  for (const thing of things) all[stageOf(kindOf(thing))]?.push(thing);
  return all.filter((stage) => stage.length > 0);
}
