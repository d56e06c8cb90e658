/** The plan's facts, read from the caches of the process. */
import { keyOf } from '#api/resources/meta.ts';
import {
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  podDisruptionBudgets,
  storageClasses,
} from '#api/resources/resource-types.ts';
import type {
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  StorageClass,
} from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { namespaceOf } from '#controller/runtime/lookup.ts';
import type { World } from '#controller/runtime/world.ts';
import { claimNameOf } from '#controller/workload/volume-match.ts';
import type { Facts } from './facts.ts';
import { Nominations } from './nominations.ts';

/** `namespace/name` of each claim behind the pod's volumes. */
export function claimKeysOf(pod: Pod): string[] {
  const { namespace } = pod.metadata;
  return (pod.spec?.volumes ?? []).flatMap((volume) => {
    const name = claimNameOf(pod, volume);
    return name === undefined ? [] : [`${namespace}/${name}`];
  });
}

export class WorldFacts implements Facts {
  readonly nodes: Cache<Node>;
  readonly claims: Cache<PersistentVolumeClaim>;
  readonly persistentVolumes: Cache<PersistentVolume>;
  readonly classes: Cache<StorageClass>;
  readonly nominations = new Nominations();
  readonly #namespaces: Cache<Namespace>;
  readonly #budgets: Cache<PodDisruptionBudget>;

  constructor(world: World) {
    this.nodes = world.cache<Node>(nodes);
    this.claims = world.cache<PersistentVolumeClaim>(persistentVolumeClaims);
    this.persistentVolumes = world.cache<PersistentVolume>(persistentVolumes);
    this.classes = world.cache<StorageClass>(storageClasses);
    this.#namespaces = world.cache<Namespace>(namespaces);
    const budgets = world.cache<PodDisruptionBudget>(podDisruptionBudgets);
    this.#budgets = budgets.addIndex('namespace', namespaceOf);
  }

  /** What must have been listed before a plan may rely on it. */
  get caches() {
    const { nodes: all, claims, persistentVolumes: volumes, classes } = this;
    return [all, claims, volumes, classes, this.#namespaces, this.#budgets];
  }

  node(name: string): Node | undefined {
    return this.nodes.get(name);
  }

  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined {
    return this.#namespaces.get(name)?.metadata.labels;
  }

  claim(key: string): PersistentVolumeClaim | undefined {
    return this.claims.get(key);
  }

  volume(name: string): PersistentVolume | undefined {
    return this.persistentVolumes.get(name);
  }

  volumes(): Iterable<PersistentVolume> {
    return this.persistentVolumes.all();
  }

  storageClass(name: string): StorageClass | undefined {
    return this.classes.get(name);
  }

  budgets(namespace: string): readonly PodDisruptionBudget[] {
    return this.#budgets.byIndex('namespace', namespace);
  }

  nominated(node: string, pod: Pod): readonly Pod[] {
    return this.nominations.on(node, pod);
  }
}

/** The key of the claim that the volume is bound to. */
export function boundClaimKey({ spec }: PersistentVolume): string | undefined {
  const { namespace = '', name = '' } = spec?.claimRef ?? {};
  return name === '' ? undefined : keyOf({ metadata: { namespace, name } });
}
