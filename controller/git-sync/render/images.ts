/** Other images and numbers of replicas than the documents say. */
import { type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import { objectsBelow } from './item.ts';
import type { ImageChange } from './kustomization.ts';

interface Parts {
  readonly name: string;
  readonly tag: string;
  readonly digest: string;
}

/** `host:5000/a/b:tag@sha256:…` in its parts; tag and digest keep their sign. */
function partsOf(image: string): Parts {
  const at = image.indexOf('@');
  const digest = at < 0 ? '' : image.slice(at);
  const named = at < 0 ? image : image.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  if (colon < 0) return { name: named, tag: '', digest };
  return { name: named.slice(0, colon), tag: named.slice(colon), digest };
}

/** The image as the change wants it, if the change means it. */
export function changedImage(image: string, change: ImageChange): string {
  const { name, tag, digest } = partsOf(image);
  if (name !== change.name) return image;
  const wanted = change.newName ?? name;
  const newTag = change.newTag === undefined ? undefined : String(change.newTag);
  if (newTag !== undefined && change.digest !== undefined)
    return `${wanted}:${newTag}@${change.digest}`;
  if (newTag !== undefined) return `${wanted}:${newTag}`;
  if (change.digest !== undefined) return `${wanted}@${change.digest}`;
  return `${wanted}${tag}${digest}`;
}

/** Changes the images of all containers in the object, of its templates too. */
export function changeImages(object: JsonObject, changes: readonly ImageChange[]): void {
  if (changes.length === 0) return;
  for (const part of objectsBelow(object)) {
    for (const container of [
      ...objectsOf(part['containers']),
      ...objectsOf(part['initContainers']),
    ]) {
      const { image } = container;
      if (typeof image !== 'string') continue;
      container['image'] = changes.reduce(changedImage, image);
    }
  }
}

const scaled = new Set(['Deployment', 'ReplicaSet', 'ReplicationController', 'StatefulSet']);

/** Sets the number of replicas, if the object is of a kind that has one. */
export function setReplicas(
  object: JsonObject & { readonly kind: string },
  count: number,
): boolean {
  if (!scaled.has(object.kind)) return false;
  object['spec'] = { ...objectOr(object['spec']), replicas: count };
  return true;
}
