/** Defaults of the remaining core kinds (`core/v1/defaults.go`). */
import { isObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { ensureObject, fill } from './fill.ts';

export function defaultNamespace(namespace: KubeObject): void {
  const { name, labels } = namespace.metadata;
  if (name !== undefined && name !== '') {
    namespace.metadata.labels = { ...labels, 'kubernetes.io/metadata.name': name };
  }
  fill(ensureObject(namespace, 'status'), { phase: 'Active' });
}

export function defaultSecret(secret: KubeObject): void {
  fill(secret, { type: 'Opaque' });
  // `stringData` is write-only: its values are stored among the data, and win.
  const { stringData } = secret;
  if (!isObject(stringData)) return;
  const data = ensureObject(secret, 'data');
  for (const [key, value] of Object.entries(stringData)) {
    if (typeof value === 'string') data[key] = Buffer.from(value).toString('base64');
  }
  delete secret['stringData'];
}

export function defaultNode(node: KubeObject): void {
  const status = objectOr(node['status']);
  const { capacity, allocatable } = status;
  if (isObject(capacity) && !isObject(allocatable)) status['allocatable'] = { ...capacity };
}

export function defaultLimitRange(limitRange: KubeObject): void {
  for (const item of objectsOf(objectOr(limitRange['spec'])['limits'])) {
    if (item['type'] !== 'Container') continue;
    const limits = ensureObject(item, 'default');
    const requests = ensureObject(item, 'defaultRequest');
    fill(limits, objectOr(item['max']));
    fill(requests, limits);
    fill(requests, objectOr(item['min']));
  }
}
