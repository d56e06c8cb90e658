/** What a plan asks of the cluster beside the nodes and what is taken of them. */
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  StorageClass,
} from '#api/resources/types.ts';

export interface Facts {
  node(name: string): Node | undefined;
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined;
  /** By `namespace/name`. */
  claim(key: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  volumes(): Iterable<PersistentVolume>;
  storageClass(name: string): StorageClass | undefined;
  budgets(namespace: string): readonly PodDisruptionBudget[];
  /** Pods for which room is being made on the node, and before which the pod does not go. */
  nominated(node: string, pod: Pod): readonly Pod[];
}

/** Of a cluster of nothing but nodes. */
export function factsOf(nodes: Iterable<Node>): Facts {
  const byName = new Map([...nodes].map((node) => [node.metadata.name, node]));
  return {
    node: (name) => byName.get(name),
    namespaceLabels: () => undefined,
    claim: () => undefined,
    volume: () => undefined,
    volumes: () => [],
    storageClass: () => undefined,
    budgets: () => [],
    nominated: () => [],
  };
}
