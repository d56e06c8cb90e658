/** The two kinds that keep so many equal pods; all but this file sees ReplicaSets only. */
import type { ApiObject } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import { replicaSets, replicationControllers } from '#api/resources/resource-types.ts';
import type { ReplicaSet, ReplicationController } from '#api/resources/types.ts';

/** How one kind's objects are read and written. */
export interface Replicated {
  readonly type: ResourceType;
  /** The object with a ReplicaSet's fields; `kind` and `apiVersion` stay its own. */
  readonly asReplicaSet: (object: ApiObject) => ReplicaSet;
  /** The status as the kind has it. */
  readonly ownStatus: (status: NonNullable<ReplicaSet['status']>) => object;
}

export const replicaSetKind: Replicated = {
  type: replicaSets,
  asReplicaSet: (object) => object as ReplicaSet,
  ownStatus: (status) => status,
};

/** Its selector is a plain map, and its status does not count the pods that are leaving. */
export const replicationControllerKind: Replicated = {
  type: replicationControllers,
  asReplicaSet: (object) => {
    const { spec } = object as ReplicationController;
    const selector = { matchLabels: spec?.selector ?? {} };
    return { ...object, spec: { ...spec, selector } } as ReplicaSet;
  },
  ownStatus: ({ terminatingReplicas: _, ...status }) => status,
};
