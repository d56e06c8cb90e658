/** The content of a namespace: found through discovery, deleted type by type, pods first. */
import type { ApiObject, Client } from '#api/client/collection.ts';
import { resourcePath } from '#api/client/paths.ts';
import { type DiscoveredType, discover } from '#controller/runtime/discovery.ts';
import type { Findings, Remainder } from './plan.ts';

/** What has neither is virtual: reviews, bindings. */
const isContent = ({ namespaced, verbs }: DiscoveredType): boolean =>
  namespaced && verbs.includes('list') && verbs.includes('delete');

const nameOf = ({ plural, group }: DiscoveredType): string => `${plural}.${group}`;

export class Content {
  readonly #client: Client;
  readonly #namespace: string;
  readonly #signal: AbortSignal;
  readonly #failures: string[] = [];

  constructor(client: Client, namespace: string, signal: AbortSignal) {
    this.#client = client;
    this.#namespace = namespace;
    this.#signal = signal;
  }

  /**
   * Deletes what can be deleted and tells what is left. Pods first, as their end may need the Secrets and claims beside
   * them (KEP-5080); the rest when the last pod has gone.
   */
  async delete(): Promise<Findings> {
    let types: DiscoveredType[];
    try {
      types = (await discover(this.#client, this.#signal)).filter(isContent);
    } catch (error) {
      if (this.#signal.aborted) throw error;
      return { remainders: [], discoveryFailure: String(error) };
    }
    const isPods = ({ group, plural }: DiscoveredType) => group === '' && plural === 'pods';
    const podsLeft = await this.#deleteAll(types.filter(isPods));
    const waiting = podsLeft.length > 0 || this.#failures.length > 0;
    const remainders = waiting ? podsLeft : await this.#deleteAll(types.filter((t) => !isPods(t)));
    const deletionFailure = this.#failures.join('; ');
    return { remainders, ...(deletionFailure === '' ? {} : { deletionFailure }) };
  }

  async #deleteAll(types: readonly DiscoveredType[]): Promise<Remainder[]> {
    const found = await Promise.all(
      types.map((type) =>
        this.#deleteType(type).catch((error: unknown) => {
          if (this.#signal.aborted) throw error;
          this.#failures.push(`${nameOf(type)}: ${error}`);
          return undefined;
        }),
      ),
    );
    return found.filter((remainder) => remainder !== undefined);
  }

  /** What is left of the type: looked up after its deletion, and only if there was something. */
  async #deleteType(type: DiscoveredType): Promise<Remainder | undefined> {
    const before = await this.#list(type);
    if (before.length === 0) return undefined;
    if (before.some(({ metadata }) => metadata.deletionTimestamp === undefined)) {
      const path = resourcePath(type, { namespace: this.#namespace });
      await this.#client.request('DELETE', path, undefined, this.#signal);
    }
    const left = await this.#list(type);
    if (left.length === 0) return undefined;
    const finalizers = new Map<string, number>();
    for (const name of left.flatMap(({ metadata }) => metadata.finalizers ?? [])) {
      finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
    }
    return { resource: nameOf(type), count: left.length, finalizers };
  }

  async #list(type: DiscoveredType): Promise<readonly ApiObject[]> {
    const options = { namespace: this.#namespace, metadataOnly: true, signal: this.#signal };
    return (await this.#client.collection<ApiObject>(type).list(options)).items;
  }
}
