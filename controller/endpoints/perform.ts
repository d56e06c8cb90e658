/** Does what the plans say; the only writer of EndpointSlices and Endpoints. */
import type { ApiObject } from '#api/client/collection.ts';
import { equalJson } from '#api/resources/json.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import { endpointSlices, endpoints } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { EndpointSlice, Endpoints } from '#api/resources/types.ts';
import type { World } from '#controller/runtime/world.ts';
import { deleteObject, inTerminatingNamespace } from '#controller/runtime/write.ts';
import type { SlicePlan } from './slice-plan.ts';

export class Performer {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /**
   * First what is added, then what is taken away: an endpoint that moves from one slice to another is told twice for a
   * moment rather than not at all.
   */
  async slices(plan: SlicePlan, signal: AbortSignal): Promise<string[]> {
    const collection = this.#world.collection<EndpointSlice>(endpointSlices);
    for (const slice of plan.create) await this.#create(endpointSlices, slice, signal);
    for (const slice of plan.update) await this.#update(endpointSlices, slice, signal);
    for (const slice of plan.remove) await deleteObject(collection, slice, signal);
    const { create, update, remove } = plan;
    const words = { create, update, delete: remove };
    return Object.entries(words)
      .filter(([, slices]) => slices.length > 0)
      .map(([verb, slices]) => `${verb} ${slices.length} slices`);
  }

  async endpoints(
    wanted: Endpoints,
    held: Endpoints | undefined,
    signal: AbortSignal,
  ): Promise<string[]> {
    if (held === undefined) {
      await this.#create(endpoints, wanted, signal);
      return ['create endpoints'];
    }
    if (equalJson(wanted, held)) return [];
    await this.#update(endpoints, wanted, signal);
    return ['update endpoints'];
  }

  async removeEndpoints(held: Endpoints, signal: AbortSignal): Promise<string[]> {
    await deleteObject(this.#world.collection<Endpoints>(endpoints), held, signal);
    return ['delete endpoints'];
  }

  /** Our own object, whose reply was lost, comes with the watch. */
  async #create<T extends ApiObject>(type: ResourceType, object: T, signal: AbortSignal) {
    try {
      this.#world.cache<T>(type).put(await this.#world.collection<T>(type).create(object, signal));
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists') && !inTerminatingNamespace(error)) throw error;
    }
  }

  /** What has gone meanwhile is made again by the run that its going causes. */
  async #update<T extends ApiObject>(type: ResourceType, object: T, signal: AbortSignal) {
    try {
      this.#world.cache<T>(type).put(await this.#world.collection<T>(type).update(object, signal));
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }
}
