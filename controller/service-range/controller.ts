/** ServiceCIDRs: ready from the start, and kept for as long as Services have addresses from them. */
import { ipAddresses, serviceCidrs } from '#api/resources/resource-types.ts';
import type { IpAddress, ServiceCidr } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { addFinalizer, isBeingDeleted, removeFinalizer } from '#controller/runtime/finalizer.ts';
import { type Outcome, reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { mappedKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { writeStatus } from '#controller/runtime/write.ts';
import { finalizer, isNeeded, readinessOf } from './plan.ts';

class Ranges {
  readonly #world: World;
  readonly cache: Cache<ServiceCidr>;
  readonly addresses: Cache<IpAddress>;

  constructor(world: World) {
    this.#world = world;
    this.cache = world.cache<ServiceCidr>(serviceCidrs);
    this.addresses = world.cache<IpAddress>(ipAddresses);
  }

  /** Ranges that may go when an address does. */
  leaving(): string[] {
    return [...this.cache.all()].filter(isBeingDeleted).map(({ metadata }) => metadata.name);
  }

  async reconcile(name: string, signal: AbortSignal): Promise<Outcome> {
    const range = this.cache.get(name);
    if (range === undefined) return settled();
    const collection = this.#world.collection<ServiceCidr>(serviceCidrs);
    if (!isBeingDeleted(range)) {
      const held = await addFinalizer(collection, range, finalizer, signal);
      this.cache.put(held);
      return this.#tell(held, signal);
    }
    const others = [...this.cache.all()].filter((one) => one !== range);
    if (isNeeded(range, others, [...this.addresses.all()])) return this.#tell(range, signal);
    await removeFinalizer(collection, range, finalizer, signal);
    return settled('let go');
  }

  async #tell(range: ServiceCidr, signal: AbortSignal): Promise<Outcome> {
    const wanted = readinessOf(isBeingDeleted(range));
    const held = range.status?.conditions ?? [];
    const ready = held.find(({ type }) => type === 'Ready');
    if (ready?.status === wanted.status && ready.reason === wanted.reason) return settled();
    const lastTransitionTime = timestamp(this.#world.clock.now());
    const others = held.filter(({ type }) => type !== 'Ready');
    const conditions = [...others, { type: 'Ready', lastTransitionTime, ...wanted }];
    const collection = this.#world.collection<ServiceCidr>(serviceCidrs);
    await writeStatus(collection, this.cache, range, { ...range.status, conditions }, signal);
    return settled(`Ready: ${wanted.status}`);
  }
}

export const serviceRangeController: Controller = {
  name: 'service-range',
  run: (world) => {
    const ranges = new Ranges(world);
    const keys$ = whenSynced(
      [ranges.cache, ranges.addresses],
      selfKeys(ranges.cache.changes),
      mappedKeys(ranges.cache.changes, () => ranges.leaving()),
      mappedKeys(ranges.addresses.changes, () => ranges.leaving()),
    );
    const { clock } = world;
    return reconcileKeys(keys$, (name, signal) => ranges.reconcile(name, signal), {
      clock,
      concurrency: 1,
    });
  },
};
