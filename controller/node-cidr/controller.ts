/** Gives nodes that join without one their part of the pods' addresses (`spec.podCIDR`), for as long as they are there. */
import type { Observable } from 'rxjs/internal/Observable';
import { filter } from 'rxjs/internal/operators/filter';
import { mergeMap } from 'rxjs/internal/operators/mergeMap';
import { nodes } from '#api/resources/resource-types.ts';
import type { Node } from '#api/resources/types.ts';
import type { Cache, Change } from '#controller/runtime/cache.ts';
import { type Outcome, reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { freeCidr, roomIn } from './plan.ts';

const cidrOf = (node: Node | undefined): string => node?.spec?.podCIDR ?? '';

const cameOrWent = ({ before, after }: Change<Node>): boolean =>
  before === undefined || after === undefined || cidrOf(before) !== cidrOf(after);

/** All that wait whenever a node comes, goes, or has another part: then there may be room. */
function waiting(cache: Cache<Node>): Observable<string> {
  const without = () => [...cache.all()].filter((node) => cidrOf(node) === '');
  return cache.changes.pipe(
    filter(cameOrWent),
    mergeMap(() => without().map(({ metadata }) => metadata.name)),
  );
}

/** The event of Kubernetes' range allocator, and why. */
function tellFull(world: World, node: Node, clusterCidr: string): void {
  const status = `Node ${node.metadata.name} status is now: CIDRNotAvailable`;
  const parts = roomIn(clusterCidr);
  const why = `all ${parts} parts of the pods' range ${clusterCidr} are taken`;
  const message = `${status}: ${why}; delete a node that is not needed any more`;
  world.events.record(node, { type: 'Warning', reason: 'CIDRNotAvailable', message });
}

/** `clusterCidr`: the range of all nodes' pods, of which each gets a /24. */
export const nodeCidrController = (clusterCidr: string): Controller => ({
  name: 'node-cidr',
  run: (world) => {
    const cache = world.cache<Node>(nodes);
    const reconcile = async (name: string, signal: AbortSignal): Promise<Outcome> => {
      const node = cache.get(name);
      if (node === undefined || cidrOf(node) !== '') return settled();
      const podCIDR = freeCidr(clusterCidr, new Set([...cache.all()].map(cidrOf)));
      if (podCIDR === undefined) {
        tellFull(world, node, clusterCidr);
        return settled('no room: waits for a node to go');
      }
      const { resourceVersion = '' } = node.metadata;
      const change = { metadata: { resourceVersion }, spec: { podCIDR, podCIDRs: [podCIDR] } };
      cache.put(await world.collection<Node>(nodes).patch({ name }, change, 'merge', signal));
      return settled(`podCIDR ${podCIDR}`);
    };
    const keys$ = whenSynced([cache], waiting(cache));
    // One at a time: each sees what the one before has taken.
    return reconcileKeys(keys$, reconcile, { clock: world.clock, concurrency: 1 });
  },
});
