/** Namespaces and their quotas: what wakes it, and what it writes. */
import type { ApiObject } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import { namespaces } from '#api/resources/resource-types.ts';
import { type Outcome, reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { mappedKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller } from '#controller/runtime/world.ts';
import { plan, quotaName, type ResourceQuota } from './plan.ts';

export const resourceQuotas: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'resourcequotas',
  kind: 'ResourceQuota',
  namespaced: true,
};

export const podQuotaController: Controller = {
  name: 'example-pod-quota',
  run: (world) => {
    const spaces = world.cache<ApiObject>(namespaces);
    const quotas = world.cache<ResourceQuota>(resourceQuotas);
    const all = world.collection<ResourceQuota>(resourceQuotas);

    const reconcile = async (name: string, signal: AbortSignal): Promise<Outcome> => {
      const namespace = spaces.get(name);
      if (namespace === undefined) return settled();
      const action = plan(namespace, quotas.get(`${name}/${quotaName}`));
      if (action.type === 'create') quotas.put(await all.create(action.quota, signal));
      if (action.type === 'update') quotas.put(await all.update(action.quota, signal));
      if (action.type === 'delete')
        await all.delete({ namespace: name, name: quotaName }, {}, signal);
      return action.type === 'nothing' ? settled() : settled(`${action.type} ${quotaName}`);
    };

    const keys = whenSynced(
      [spaces, quotas],
      selfKeys(spaces.changes),
      mappedKeys(quotas.changes, ({ metadata }) => [metadata.namespace ?? '']),
    );
    return reconcileKeys(keys, reconcile, { clock: world.clock });
  },
};
