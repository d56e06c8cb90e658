/** Gives nodes that join without one their part of the pods' addresses (`spec.podCIDR`), for as long as they are there. */
import { nodes } from '#api/resources/resource-types.ts';
import type { Node } from '#api/resources/types.ts';
import { type Outcome, reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller } from '#controller/runtime/world.ts';
import { freeCidr } from './plan.ts';

/** `clusterCidr`: the range of all nodes' pods, a /16. */
export const nodeCidrController = (clusterCidr: string): Controller => ({
  name: 'node-cidr',
  run: (world) => {
    const cache = world.cache<Node>(nodes);
    const reconcile = async (name: string, signal: AbortSignal): Promise<Outcome> => {
      const node = cache.get(name);
      if (node === undefined || (node.spec?.podCIDR ?? '') !== '') return settled();
      const taken = new Set([...cache.all()].map(({ spec }) => spec?.podCIDR ?? ''));
      const podCIDR = freeCidr(clusterCidr, taken);
      if (podCIDR === undefined)
        throw new Error(`give node ${name} addresses for pods: all of ${clusterCidr} are taken`);
      const { resourceVersion = '' } = node.metadata;
      const change = { metadata: { resourceVersion }, spec: { podCIDR, podCIDRs: [podCIDR] } };
      cache.put(await world.collection<Node>(nodes).patch({ name }, change, 'merge', signal));
      return settled(`podCIDR ${podCIDR}`);
    };
    const keys$ = whenSynced([cache], selfKeys(cache.changes));
    // One at a time: each sees what the one before has taken.
    return reconcileKeys(keys$, reconcile, { clock: world.clock, concurrency: 1 });
  },
});
