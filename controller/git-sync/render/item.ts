/** An object on its way through kustomizations. */
import type { JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { matchesLabels, parseLabelSelector } from '#api/resources/selector.ts';
import type { Document } from '../types.ts';
import type { Target } from './kustomization.ts';

export interface Item {
  object: KubeObject;
  readonly place: string;
  /** Names it had before: references and patches may still use them. */
  readonly names: Set<string>;
  readonly namespaces: Set<string>;
  /** Its name gets a hash of its content at the end. */
  hashed: boolean;
}

export const itemOf = ({ object, place }: Document, hashed = false): Item => ({
  object,
  place,
  names: new Set(),
  namespaces: new Set(),
  hashed,
});

export const groupOf = ({ apiVersion }: { readonly apiVersion: string }): string =>
  apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';

/** Whether the name is, or was, the item's. */
export const isCalled = ({ object, names }: Item, name: string): boolean =>
  object.metadata.name === name || names.has(name);

/** Whether it is, or was, in the namespace; one that names none is in the same as all others. */
export function isIn({ object, namespaces }: Item, namespace: string | undefined): boolean {
  const own = object.metadata.namespace;
  return own === namespace || namespaces.has(namespace ?? '');
}

export const versionOf = ({ apiVersion }: KubeObject): string => apiVersion.split('/').at(-1) ?? '';

/** Whether the selector, if there is one, means what has these labels or annotations. */
export function isSelected(
  selector: string | undefined,
  pairs: Record<string, string> = {},
): boolean {
  return selector === undefined || matchesLabels(parseLabelSelector(selector), pairs);
}

/** Whether all that the target says is so, word for word; names that the item had count too. */
export function isExactly(item: Item, target: Target): boolean {
  const { object, namespaces } = item;
  const { group, version, kind, name, namespace, labelSelector, annotationSelector } = target;
  const is = (wanted: string | undefined, ...texts: readonly string[]) =>
    wanted === undefined || wanted === '' || texts.includes(wanted);
  return (
    is(group, groupOf(object)) &&
    is(version, versionOf(object)) &&
    is(kind, object.kind) &&
    (name === undefined || name === '' || isCalled(item, name)) &&
    is(namespace, object.metadata.namespace || 'default', ...namespaces) &&
    isSelected(labelSelector, object.metadata.labels) &&
    isSelected(annotationSelector, object.metadata.annotations)
  );
}

export function rename(item: Item, name: string): void {
  item.names.add(item.object.metadata.name);
  item.object.metadata.name = name;
}

/** Kubernetes' kinds that belong to no namespace; of others the server knows. */
const clusterWide = new Set(
  `Namespace Node PersistentVolume ClusterRole ClusterRoleBinding CustomResourceDefinition StorageClass PriorityClass
   IngressClass RuntimeClass APIService CSIDriver CSINode VolumeAttachment VolumeAttributesClass CertificateSigningRequest
   MutatingWebhookConfiguration ValidatingWebhookConfiguration MutatingAdmissionPolicy MutatingAdmissionPolicyBinding
   ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding FlowSchema PriorityLevelConfiguration ClusterTrustBundle
   DeviceClass ServiceCIDR IPAddress Image ImagePolicy`.split(/\s+/),
);

export const isClusterWide = ({ kind }: { readonly kind: string }): boolean =>
  clusterWide.has(kind);

/** Whether lists of the kind merge by key: Kubernetes' own do. */
export function isBuiltIn(object: { readonly apiVersion: string }): boolean {
  const group = groupOf(object);
  return !group.includes('.') || group.endsWith('.k8s.io');
}

/** Every object below, the value itself included. */
export function* objectsBelow(value: unknown): Iterable<JsonObject> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as JsonObject;
  for (const child of Object.values(value)) yield* objectsBelow(child);
}
