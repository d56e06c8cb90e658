/** Where kinds differ in what a PUT may do: `AllowCreateOnUpdate` and `AllowUnconditionalUpdate` of their strategies. */
import type { Kind } from '../schema/kind.ts';

export interface UpdateRules {
  /** A PUT of what does not exist creates it. */
  readonly createsOnUpdate: boolean;
  /** A PUT without `metadata.resourceVersion` overwrites whatever is there. */
  readonly unconditional: boolean;
}

/** By `group/plural` (apiserver: the kinds' `strategy.go`). */
const creating = new Set([
  '/endpoints',
  '/events',
  '/limitranges',
  '/services',
  'coordination.k8s.io/leases',
  'events.k8s.io/events',
  'rbac.authorization.k8s.io/clusterrolebindings',
  'rbac.authorization.k8s.io/clusterroles',
  'rbac.authorization.k8s.io/rolebindings',
  'rbac.authorization.k8s.io/roles',
]);

const conditional = new Set([
  'admissionregistration.k8s.io/mutatingwebhookconfigurations',
  'admissionregistration.k8s.io/validatingwebhookconfigurations',
  'apiextensions.k8s.io/customresourcedefinitions',
  'apiregistration.k8s.io/apiservices',
  'coordination.k8s.io/leases',
  'discovery.k8s.io/endpointslices',
  'flowcontrol.apiserver.k8s.io/flowschemas',
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations',
  'node.k8s.io/runtimeclasses',
  'policy/poddisruptionbudgets',
  'storage.k8s.io/csidrivers',
  'storage.k8s.io/csinodes',
  'storage.k8s.io/volumeattachments',
]);

export function updateRules(kind: Kind): UpdateRules {
  const name = `${kind.group}/${kind.plural}`;
  return {
    createsOnUpdate: creating.has(name),
    unconditional: kind.custom === undefined && !conditional.has(name),
  };
}
