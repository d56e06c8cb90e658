/** Pods made of a template, under names that are fixed by what is known. */
import type { ApiObject } from '#api/client/collection.ts';
import { ownerReferenceTo } from '#api/resources/meta.ts';
import type { Pod, PodTemplateSpec } from '#api/resources/types.ts';
import { stableSuffix } from '#controller/runtime/stable-name.ts';

/** The owner's pod as its template says. `generateName` tells tools from which name the pod's was made. */
export function podOf(owner: ApiObject, template: PodTemplateSpec | undefined, name: string): Pod {
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  const { namespace } = owner.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      generateName: `${owner.metadata.name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels: { ...labels } }),
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
      ...(finalizers === undefined ? {} : { finalizers: [...finalizers] }),
      ownerReferences: [ownerReferenceTo(owner)],
    },
    spec: template?.spec ?? { containers: [] },
  };
}

/** A name in a namespace has at most so many characters; five are the suffix's. */
const longestPrefix = 253 - 5;

/**
 * Gives names that nobody has, fixed by `salt` and what is taken: planning again from the same view gives the same names,
 * so that a create whose answer was lost meets its own pod.
 */
export function freshNames(salt: string, taken: Iterable<string>): (prefix: string) => string {
  const used = new Set(taken);
  // Of each prefix on its own: what is made beside it changes no name.
  const counts = new Map<string, number>();
  return (prefix) => {
    for (;;) {
      const count = counts.get(prefix) ?? 0;
      counts.set(prefix, count + 1);
      const suffix = stableSuffix(`${salt}/${count}`);
      const name = `${prefix.slice(0, longestPrefix)}${suffix}`;
      if (used.has(name)) continue;
      used.add(name);
      return name;
    }
  };
}

/** A salt that a later view (the version changes with every status) has another of: no name comes a second time. */
export const viewOf = ({ metadata }: ApiObject): string =>
  `${metadata.uid}/${metadata.resourceVersion}`;
