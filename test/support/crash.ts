/**
 * Crashes at every write: a scenario is run once undisturbed, then three times for every write its controllers made: killed
 * just before it, killed when it is done but its answer was not seen, and alive but with the answer lost on the way. Who was
 * killed starts again with an empty memory. The end must be the same.
 */
import type { Subscription } from 'rxjs';
import type { Test } from 'tap';
import type { ApiObject, Client, Collection } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import { type Controller, runControllers } from '#controller/runtime/world.ts';
import { playAgent } from './controllers.ts';
import { type MemoryApi, memoryApi } from './memory-collection.ts';
import { flush, VirtualClock } from './virtual-clock.ts';

/** Performs a write of a controller, unless it is the one at which it crashes. `what`: words for the test's report. */
export type Write = <T>(what: string, perform: () => Promise<T>) => Promise<T>;

export interface Scenario {
  /** A function is called at each start; it gets what writes to other places than the API are to go through. */
  readonly controllers:
    | readonly Controller[]
    | ((api: MemoryApi, write: Write) => readonly Controller[]);
  /** What users do; after each step all comes to rest. */
  readonly steps: readonly ((api: MemoryApi, clock: VirtualClock) => Promise<unknown> | unknown)[];
  /** What is compared at the end: without names, times and versions, which differ by nature. */
  readonly picture: (api: MemoryApi) => unknown;
  /** The API at the beginning. Default: an empty one. */
  readonly api?: () => MemoryApi;
  /** What users do between a death and the next start. */
  readonly whileDead?: (api: MemoryApi) => Promise<unknown> | unknown;
  /** Time between two looks; all is at rest when three in a row saw no change. Default 500. */
  readonly lookMs?: number;
  /** Objects with such names are nobody's business: a write to one fails the scenario. */
  readonly foreign?: RegExp;
  /** Words for what is wrong, asked after every change: something that may not be even for a moment. */
  readonly never?: (api: MemoryApi) => string | undefined;
}

const moments = ['before', 'after', 'answer lost'] as const;

interface Crash {
  /** The number of the write, from 0; -1: none. */
  readonly at: number;
  readonly moment: (typeof moments)[number];
}

const words = {
  before: 'killed before',
  after: 'killed after',
  'answer lost': 'no answer to',
} as const;

const writes = new Set(
  'create update updateStatus patch apply patchStatus createSubresource delete'.split(' '),
);

/** The client, whose writes but those of Events go through `write`. */
function gated(api: MemoryApi, write: Write): Client {
  const collection = <T extends ApiObject>(type: ResourceType): Collection<T> => {
    const inner = api.collection<T>(type);
    if (type.plural === 'events') return inner;
    const get = (target: Collection<T>, name: string | symbol): unknown => {
      const value = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const call = value.bind(target);
      if (!writes.has(String(name))) return call;
      return (...args: unknown[]) => {
        const [first] = args as [Partial<ApiObject> & { name?: string }];
        const called = first.metadata?.name ?? first.metadata?.generateName ?? first.name;
        return write(`${String(name)} ${type.plural}/${called}`, async () => call(...args));
      };
    };
    return new Proxy(inner, { get });
  };
  const request: Client['request'] = (method, path, ...rest) =>
    method === 'GET'
      ? api.request(method, path, ...rest)
      : write(`${method} ${path}`, async () => api.request(method, path, ...rest));
  const client: Client = { ...api, collection, request, as: () => client };
  return client;
}

interface Result {
  readonly picture: unknown;
  readonly writes: number;
  /** The write that was disturbed. */
  readonly hit: string;
}

/** One run of a scenario: its API and clock, and the process that is alive. */
class Play {
  readonly #scenario: Scenario;
  readonly #crash: Crash;
  readonly #api: MemoryApi;
  readonly #clock = new VirtualClock({ now: Date.now() });
  #writes = 0;
  #hit = '';
  #lives = 0;
  #running: Subscription | undefined;
  #wrong: string | undefined;

  constructor(scenario: Scenario, crash: Crash) {
    this.#scenario = scenario;
    this.#crash = crash;
    this.#api = scenario.api?.() ?? memoryApi();
  }

  async run(): Promise<Result> {
    const { steps, picture } = this.#scenario;
    this.#watch();
    this.#start();
    for (const step of [...steps, () => undefined]) {
      await step(this.#api, this.#clock);
      await this.#rest();
    }
    this.#running?.unsubscribe();
    if (this.#wrong !== undefined) throw new Error(`${this.#wrong} (${this.#at()})`);
    return { picture: picture(this.#api), writes: this.#writes, hit: this.#hit };
  }

  #watch(): void {
    const { never = () => undefined } = this.#scenario;
    const look = () => {
      this.#wrong ??= never(this.#api);
    };
    this.#api.store.follow(this.#api.store.revision, look, () => undefined);
  }

  /** Where it crashed, for reports. */
  #at(): string {
    const { at, moment } = this.#crash;
    return at < 0 ? 'undisturbed' : `${words[moment]} write ${at}, ${this.#hit}`;
  }

  #start(): void {
    this.#lives += 1;
    const self = this.#lives;
    const write: Write = (what, perform) => this.#write(self, what, perform);
    const { controllers } = this.#scenario;
    const all = typeof controllers === 'function' ? controllers(this.#api, write) : controllers;
    const client = gated(this.#api, write);
    this.#running = runControllers(client, all, { clock: this.#clock }).subscribe();
  }

  async #write<T>(self: number, what: string, perform: () => Promise<T>): Promise<T> {
    if (self !== this.#lives) throw new Error('this process is dead');
    if (this.#scenario.foreign?.test(what)) this.#wrong ??= `not theirs to write: ${what}`;
    const number = this.#writes;
    this.#writes += 1;
    const { at, moment } = this.#crash;
    if (number !== at) return perform();
    this.#hit = what;
    if (moment !== 'before') await perform();
    if (moment !== 'answer lost') this.#kill();
    throw new Error(`${words[moment]} ${what}`);
  }

  #kill(): void {
    this.#lives += 1;
    this.#running?.unsubscribe();
    this.#running = undefined;
  }

  async #rest(): Promise<void> {
    for (let quiet = 0, round = 0; quiet < 3; round += 1) {
      if (round > 300) throw new Error(`no rest (${this.#at()})`);
      const { revision } = this.#api.store;
      await this.#clock.advance(this.#scenario.lookMs ?? 500);
      playAgent(this.#api, this.#clock);
      await flush();
      const isRestarted = this.#running === undefined;
      if (isRestarted) {
        await this.#scenario.whileDead?.(this.#api);
        this.#start();
      }
      quiet = isRestarted || this.#api.store.revision !== revision ? 0 : quiet + 1;
    }
  }
}

/** Plays the scenario with every crash at every write. `check` compares a picture with the undisturbed one. */
export async function crashEverywhere(
  scenario: Scenario,
  check: (picture: unknown, undisturbed: unknown, crash: string) => void,
): Promise<number> {
  const undisturbed = await new Play(scenario, { at: -1, moment: 'before' }).run();
  for (let at = 0; at < undisturbed.writes; at += 1) {
    for (const moment of moments) {
      const { picture, hit } = await new Play(scenario, { at, moment }).run();
      check(picture, undisturbed.picture, `${words[moment]} write ${at}, ${hit}`);
    }
  }
  return undisturbed.writes;
}

/** What differs from run to run: only whether it is there is compared. */
const byNature = /^(uid|resourceVersion|takenAt|time|timeAdded)$|(Time|Timestamp)$/;

/** The objects of these types, whole but for the values of uids, versions and times. */
export const whole = (api: MemoryApi, ...types: ResourceType[]): unknown =>
  types.map((type) =>
    JSON.parse(
      JSON.stringify(api.store.all(type), (key, value) => (byNature.test(key) ? '(any)' : value)),
    ),
  );

/** Asserts that the scenario ends well (`end`, a pattern), whatever crash it meets; it is to have at least so many writes. */
export async function survivesCrashes(
  t: Test,
  scenario: Scenario,
  { writes, end }: { readonly writes: number; readonly end: unknown },
): Promise<void> {
  let expected: unknown;
  const made = await crashEverywhere(scenario, (picture, undisturbed, crash) => {
    expected = undisturbed;
    t.strictSame(picture, undisturbed, crash);
  });
  t.match(expected, end, 'undisturbed');
  t.ok(made >= writes, `${made} writes`);
}
