/** Fills the ClusterRoles that collect the rules of others: `admin`, `edit`, `view`, and those that people make. */

import { equalJson } from '#api/resources/json.ts';
import { clusterRoles } from '#api/resources/resource-types.ts';
import type { ClusterRole } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { type Outcome, reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { mappedKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { collectedRules, collects } from './plan.ts';

async function reconcile(
  world: World,
  roles: Cache<ClusterRole>,
  name: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const role = roles.get(name);
  if (role === undefined || !collects(role)) return settled();
  const rules = collectedRules(role, [...roles.all()]);
  if (equalJson(role.rules ?? [], rules)) return settled();
  const collection = world.collection<ClusterRole>(clusterRoles);
  roles.put(await collection.update({ ...role, rules: [...rules] }, signal));
  return settled(`collect ${rules.length} rules`);
}

export const clusterRoleAggregationController: Controller = {
  name: 'clusterrole-aggregation',
  run: (world) => {
    const roles = world.cache<ClusterRole>(clusterRoles);
    // Any role may be one that some collector means: they are few, and change rarely.
    const collectors = () => [...roles.all()].filter(collects).map(({ metadata }) => metadata.name);
    const keys$ = whenSynced([roles], mappedKeys(roles.changes, collectors));
    const { clock } = world;
    return reconcileKeys(keys$, (name, signal) => reconcile(world, roles, name, signal), {
      clock,
      concurrency: 1,
    });
  },
};
