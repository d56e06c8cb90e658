/** The registry of served kinds: Kubernetes' own from `facts/kinds.json`, custom ones from their definitions. */
import { apiVersionOf } from '../resources/meta.ts';
import type { CustomResourceDefinition } from '../resources/types.ts';
import { builtInKinds, subresourceBodies } from './built-in.ts';
import { customKinds } from './custom.ts';
import type { Kind, Kinds } from './kind.ts';

/** The registry as its owner, the API server, sees it. */
export interface MutableKinds extends Kinds {
  /**
   * Replaces all custom kinds by those of `crds`: the served versions of the definitions whose `Established` condition
   * is true. A kind whose definition did not change stays the same object; `generation` moves on if any did.
   */
  setCustom(crds: readonly CustomResourceDefinition[]): void;
}

/** A registry with all built-in kinds and no custom ones. Cheap: types are read when their schema is first used. */
export function createKinds(): MutableKinds {
  return new Registry();
}

const isEstablished = (crd: CustomResourceDefinition): boolean =>
  crd.status?.conditions?.some(
    (condition) => condition.type === 'Established' && condition.status === 'True',
  ) === true;

/** In the same order, too: discovery tells kinds in it. */
function sameEntries<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): boolean {
  const others = [...b];
  return (
    a.size === b.size &&
    [...a].every(([key, value], i) => others[i]?.[0] === key && others[i]?.[1] === value)
  );
}

class Registry implements MutableKinds {
  #generation = 1;
  readonly #builtIn = builtInKinds();
  readonly #bodies = subresourceBodies(this.#builtIn);
  #all: readonly Kind[] = this.#builtIn;
  #byUrl = new Map<string, Kind>();
  #byObject = new Map<string, Kind>();
  /** By the definition's uid: what the kinds were made from, and the kinds. */
  #custom = new Map<string, { version: string; kinds: readonly Kind[] }>();

  constructor() {
    this.#index();
  }

  get generation(): number {
    return this.#generation;
  }

  find(group: string, version: string, plural: string): Kind | undefined {
    return this.#byUrl.get(`${group}/${version}/${plural}`);
  }

  ofObject(apiVersion: string, kind: string): Kind | undefined {
    return this.#byObject.get(`${apiVersion}/${kind}`);
  }

  all(): readonly Kind[] {
    return this.#all;
  }

  setCustom(crds: readonly CustomResourceDefinition[]): void {
    const next = new Map<string, { version: string; kinds: readonly Kind[] }>();
    for (const crd of crds.filter(isEstablished)) {
      const uid = crd.metadata.uid ?? crd.metadata.name;
      // Kinds are made from the spec alone: a new status leaves them as they are.
      const version = String(crd.metadata.generation ?? crd.metadata.resourceVersion ?? '');
      const before = this.#custom.get(uid);
      const unchanged = before !== undefined && version !== '' && before.version === version;
      next.set(uid, unchanged ? before : { version, kinds: customKinds(crd) });
    }
    if (sameEntries(this.#custom, next)) return;
    this.#custom = next;
    this.#all = [...this.#builtIn, ...[...next.values()].flatMap((entry) => entry.kinds)];
    this.#index();
    this.#generation += 1;
  }

  #index(): void {
    this.#byUrl = new Map();
    this.#byObject = new Map(this.#bodies);
    for (const kind of this.#all) {
      const url = `${kind.group}/${kind.version}/${kind.plural}`;
      if (this.#byUrl.has(url)) continue;
      this.#byUrl.set(url, kind);
      this.#byObject.set(`${apiVersionOf(kind)}/${kind.kind}`, kind);
    }
  }
}
