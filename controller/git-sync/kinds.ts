/** Which resource type a document's kind is: as the server told last, asked anew when it knew no such kind. */
import type { Client } from '#api/client/collection.ts';
import { apiVersionOf, type ResourceType } from '#api/resources/meta.ts';
import type { Clock } from '#controller/runtime/clock.ts';
import { discoverAll } from '#controller/runtime/discovery.ts';

/** Asks the server for all its types. */
export type Discover = (client: Client, signal?: AbortSignal) => Promise<readonly ResourceType[]>;

/** Documents may speak an older version than the preferred. */
const writable: Discover = async (client, signal) =>
  (await discoverAll(client, signal)).filter(({ verbs }) => verbs.includes('patch'));

/** A kind that is not there is not looked for more often. */
const askMs = 1_000;

interface Typed {
  readonly apiVersion: string;
  readonly kind: string;
}

export class Kinds {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #discover: Discover;
  #types = new Map<string, ResourceType>();
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(client: Client, clock: Clock, discover: Discover = writable) {
    this.#client = client;
    this.#clock = clock;
    this.#discover = discover;
  }

  typeOf({ apiVersion, kind }: Typed): ResourceType | undefined {
    return this.#types.get(`${apiVersion} ${kind}`);
  }

  /** Asks the server if one of the objects is of no known kind. */
  async learn(objects: Iterable<Typed>, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.now();
    if (nowMs - this.#askedMs < askMs) return;
    if ([...objects].every((object) => this.typeOf(object) !== undefined)) return;
    const types = await this.#discover(this.#client, signal);
    this.#types = new Map(types.map((type) => [`${apiVersionOf(type)} ${type.kind}`, type]));
    this.#askedMs = nowMs;
  }
}
