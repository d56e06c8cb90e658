/**
 * Lets nodes see the pods of other nodes while there is a NetworkPolicy: to know whom a policy means. Without one each sees its
 * own alone.
 */
import { startWith } from 'rxjs/internal/operators/startWith';
import { clusterRoleBindings, networkPolicies } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { ClusterRoleBinding, NetworkPolicy } from '#api/resources/types.ts';
import { type Outcome, reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { mappedKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller } from '#controller/runtime/world.ts';

const name = 'bayplan:node-peers';

const binding: ClusterRoleBinding = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:nodes' }],
};

export const networkPolicyController: Controller = {
  name: 'network-policy',
  run: (world) => {
    const policies = world.follow<NetworkPolicy>(networkPolicies, { metadataOnly: true });
    const bindings = world.collection<ClusterRoleBinding>(clusterRoleBindings);
    let isBound: boolean | undefined;
    const reconcile = async (_key: string, signal: AbortSignal): Promise<Outcome> => {
      const isWanted = policies.size > 0;
      if (isBound === isWanted) return settled();
      const harmless = isWanted ? 'AlreadyExists' : 'NotFound';
      const change = isWanted ? bindings.create(binding, signal) : bindings.delete({ name });
      await change.catch((error: unknown) => {
        if (!hasReason(error, harmless)) throw error;
      });
      isBound = isWanted;
      return settled(isWanted ? 'nodes see all pods' : 'nodes see their own pods');
    };
    const keys$ = whenSynced(
      [policies],
      mappedKeys(policies.changes, () => ['all']).pipe(startWith('all')),
    );
    return reconcileKeys(keys$, reconcile, { clock: world.clock, concurrency: 1 });
  },
};
