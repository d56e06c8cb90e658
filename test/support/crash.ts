/**
 * Crashes between any two writes: a scenario is run once undisturbed, then once for every write its controllers made, each
 * time killing them just before that write and starting them again with empty memories. The end must be the same.
 */
import type { Subscription } from 'rxjs';
import type { ApiObject, Client, Collection } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import { type Controller, runControllers } from '#controller/runtime/world.ts';
import { playAgent } from './controllers.ts';
import { type MemoryApi, memoryApi } from './memory-collection.ts';
import { flush, VirtualClock } from './virtual-clock.ts';

export interface Scenario {
  readonly controllers: readonly Controller[];
  /** What users do; after each step all comes to rest. */
  readonly steps: readonly ((api: MemoryApi) => Promise<unknown> | unknown)[];
  /** What is compared at the end: without names, times and versions, which differ by nature. */
  readonly picture: (api: MemoryApi) => unknown;
}

const writes = new Set(
  'create update updateStatus patch apply patchStatus createSubresource delete'.split(' '),
);

/** The client, asking `gate` before each write but those of Events. */
function gated(api: MemoryApi, gate: () => void): Client {
  const collection = <T extends ApiObject>(type: ResourceType): Collection<T> => {
    const inner = api.collection<T>(type);
    if (type.plural === 'events') return inner;
    const get = (target: Collection<T>, name: string | symbol): unknown => {
      const value = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const call = value.bind(target);
      if (!writes.has(String(name))) return call;
      return async (...args: unknown[]) => {
        gate();
        return call(...args);
      };
    };
    return new Proxy(inner, { get });
  };
  const client: Client = { ...api, collection, as: () => client };
  return client;
}

interface Result {
  readonly picture: unknown;
  readonly writes: number;
}

/** Runs the scenario; the controllers die before their write number `crashAt` (from 0). */
async function play(scenario: Scenario, crashAt: number): Promise<Result> {
  const api = memoryApi();
  const clock = new VirtualClock({ now: Date.now() });
  let count = 0;
  let living = 0;
  let running: Subscription | undefined;
  const start = () => {
    living += 1;
    const self = living;
    const client = gated(api, () => {
      if (self !== living) throw new Error('this process is dead');
      if (count === crashAt) {
        count += 1;
        living += 1;
        running?.unsubscribe();
        running = undefined;
        throw new Error('killed');
      }
      count += 1;
    });
    running = runControllers(client, scenario.controllers, { clock }).subscribe();
  };
  start();
  for (const step of [...scenario.steps, () => undefined]) {
    await step(api);
    for (let quiet = 0, round = 0; quiet < 3; round += 1) {
      if (round > 300) throw new Error(`the world does not come to rest (crash at ${crashAt})`);
      const { revision } = api.store;
      await clock.advance(500);
      playAgent(api, clock);
      await flush();
      if (running === undefined) start();
      quiet = api.store.revision === revision ? quiet + 1 : 0;
    }
  }
  (running as Subscription | undefined)?.unsubscribe();
  return { picture: scenario.picture(api), writes: count };
}

/** Plays the scenario with a crash at every write. `check` compares a picture with the undisturbed one. */
export async function crashEverywhere(
  scenario: Scenario,
  check: (picture: unknown, undisturbed: unknown, crashAt: number) => void,
): Promise<number> {
  const undisturbed = await play(scenario, -1);
  for (let crashAt = 0; crashAt < undisturbed.writes; crashAt += 1) {
    const { picture } = await play(scenario, crashAt);
    check(picture, undisturbed.picture, crashAt);
  }
  return undisturbed.writes;
}
