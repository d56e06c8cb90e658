/** What of a pod its subresources `ephemeralcontainers` and `resize` take from a request: nothing else changes. */
import { cloneJson, isObject, type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';

/** The parts of a pod that have a subresource of their own. */
export type PodPart = 'ephemeralcontainers' | 'resize';

/** `old` with the part of `object` in it, under the version that `object` is meant for. */
export function withPodPart(part: PodPart, object: KubeObject, old: KubeObject): KubeObject {
  const next = cloneJson(old);
  const { resourceVersion, managedFields } = object.metadata;
  if (resourceVersion === undefined) delete next.metadata.resourceVersion;
  else next.metadata.resourceVersion = resourceVersion;
  if (managedFields !== undefined) next.metadata.managedFields = managedFields;
  const [spec, wanted] = [objectOr(next['spec']), objectOr(object['spec'])];
  if (part === 'resize') takeResources(spec, wanted);
  else take(spec, wanted, 'ephemeralContainers');
  return next;
}

function take(into: JsonObject, from: JsonObject, field: string): void {
  if (from[field] === undefined) delete into[field];
  else into[field] = cloneJson(from[field]);
}

/** Resources of containers that are there by that name, and of the pod as a whole. */
function takeResources(spec: JsonObject, wanted: JsonObject): void {
  for (const list of ['containers', 'initContainers']) {
    for (const container of objectsOf(spec[list])) {
      const same = objectsOf(wanted[list]).find(({ name }) => name === container['name']);
      if (same === undefined) continue;
      take(container, same, 'resources');
      take(container, same, 'resizePolicy');
    }
  }
  if (isObject(spec['resources']) || isObject(wanted['resources'])) take(spec, wanted, 'resources');
}
