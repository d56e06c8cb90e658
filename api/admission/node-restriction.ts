/** A node writes about itself and its own pods alone (`plugin/pkg/admission/noderestriction`). */
import { equalJson, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { forbidden } from '#api/resources/status.ts';
import type { Change, WriteGuard } from './write-guard.ts';

interface Asked {
  readonly subresource: string | undefined;
}

interface Question extends Change {
  readonly node: string;
  readonly subresource: string | undefined;
}

/** Why not; nothing if it may. */
type Check = (question: Question) => string | undefined;

const specOf = (object: KubeObject | undefined) => objectOr(object?.['spec']);
const nodeNameOf = (pod: KubeObject | undefined): string => stringOr(specOf(pod)['nodeName']);

const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** What a mirror pod may not name: else a node could read any of it by making a pod. */
function forbiddenReference(pod: KubeObject): string | undefined {
  const spec = specOf(pod);
  if (stringOr(spec['serviceAccountName']) !== '') return 'service accounts';
  if (objectsOf(spec['resourceClaims']).length > 0) return 'resource claims';
  for (const volume of objectsOf(spec['volumes'])) {
    if (volume['persistentVolumeClaim'] !== undefined) return 'persistentvolumeclaims';
    if (volume['secret'] !== undefined || volume['projected'] !== undefined) return 'secrets';
    if (volume['configMap'] !== undefined) return 'configmaps';
  }
  return JSON.stringify(spec).match(/"(secretKeyRef|secretRef|configMapKeyRef|configMapRef)"/)
    ? 'secrets or configmaps'
    : undefined;
}

const pod: Check = ({ node, object, old, subresource }) => {
  if (object !== undefined && old === undefined) {
    if (object.metadata.annotations?.[mirrorAnnotation] === undefined) {
      return `pod does not have "${mirrorAnnotation}" annotation, node "${node}" can only create mirror pods`;
    }
    if (nodeNameOf(object) !== node) {
      return `node "${node}" can only create pods with spec.nodeName set to itself`;
    }
    const reference = forbiddenReference(object);
    return reference && `node "${node}" can not create pods that reference ${reference}`;
  }
  const own = nodeNameOf(old) === node;
  if (object === undefined) {
    const what = subresource === 'eviction' ? 'evict' : 'delete';
    return own
      ? undefined
      : `node "${node}" can only ${what} pods with spec.nodeName set to itself`;
  }
  if (subresource !== 'status') return `unexpected operation on a pod`;
  if (!own) {
    return `node "${node}" can only update pod status for pods with spec.nodeName set to itself`;
  }
  return equalJson(object.metadata.labels ?? {}, old?.metadata.labels ?? {})
    ? undefined
    : `node "${node}" cannot update labels through pod status`;
};

const ownLabel =
  /^((kubernetes\.io|beta\.kubernetes\.io)\/(hostname|os|arch|instance-type)|node\.kubernetes\.io\/.+|kubelet\.kubernetes\.io\/.+|([^/]+\.)?(kubelet|node)\.kubernetes\.io\/.+|(topology|failure-domain\.beta)\.kubernetes\.io\/(zone|region))$/;

/** Labels that pods are kept off or drawn to a node by are not the node's to set. */
function isForeignLabel(key: string): boolean {
  const domain = key.includes('/') ? key.slice(0, key.indexOf('/')) : '';
  if (/(^|\.)node-restriction\.kubernetes\.io$/.test(domain)) return true;
  return /(^|\.)(kubernetes|k8s)\.io$/.test(domain) && !ownLabel.test(key);
}

function changedLabels(object: KubeObject, old: KubeObject | undefined): string[] {
  const [now, before] = [object.metadata.labels ?? {}, old?.metadata.labels ?? {}];
  const keys = new Set([...Object.keys(now), ...Object.keys(before)]);
  return [...keys].filter((key) => now[key] !== before[key]);
}

const nodeObject: Check = ({ node, object, old }) => {
  const name = (object ?? old)?.metadata.name;
  if (name !== node) return `node "${node}" is not allowed to modify node "${name}"`;
  if (object === undefined) return undefined;
  const foreign = changedLabels(object, old).filter(isForeignLabel);
  if (foreign.length > 0) {
    return `is not allowed to modify labels: ${foreign.sort().join(', ')}`;
  }
  if (old === undefined) return undefined;
  const taints = (one: KubeObject) => specOf(one)['taints'] ?? [];
  if (!equalJson(taints(object), taints(old)))
    return `node "${node}" is not allowed to modify taints`;
  const owners = (one: KubeObject) => one.metadata.ownerReferences ?? [];
  return equalJson(owners(object), owners(old))
    ? undefined
    : `node "${node}" is not allowed to modify ownerReferences`;
};

const lease: Check = ({ node, object, old }) => {
  const { name, namespace } = (object ?? old)?.metadata ?? {};
  if (namespace !== 'kube-node-lease') {
    return 'can only access leases in the "kube-node-lease" system namespace';
  }
  return name === node
    ? undefined
    : 'can only access node lease with the same name as the requesting node';
};

const csiNode: Check = ({ node, object, old }) =>
  (object ?? old)?.metadata.name === node
    ? undefined
    : 'can only access CSINode with the same name as the requesting node';

/** What devices a node has is for that node to say, and nothing else. */
const resourceSlice: Check = ({ node, object, old }) => {
  const own = [object, old].every((one) => one === undefined || nodeNameOf(one) === node);
  return own ? undefined : 'can only modify ResourceSlices of the node itself';
};

const checks: Readonly<Record<string, Check>> = {
  '/pods': pod,
  '/nodes': nodeObject,
  'coordination.k8s.io/leases': lease,
  'storage.k8s.io/csinodes': csiNode,
  'resource.k8s.io/resourceslices': resourceSlice,
};

/** The guard of a node's writes. */
export const nodeGuard =
  ({ subresource }: Asked, node: string): WriteGuard =>
  (change) => {
    const { kind, object, old } = change;
    const why = checks[`${kind.group}/${kind.plural}`]?.({ ...change, node, subresource });
    if (why === undefined) return undefined;
    return forbidden(kind, (object ?? old)?.metadata.name ?? '', why);
  };
