/**
 * ResourceQuota: room is had before an object is written, by a compare and swap of the quota's own status, so that
 * nobody gets more than there is however many ask at once; and what is used is counted again whenever something goes
 * (`plugin/pkg/admission/resourcequota`, `controller/resourcequota`: both here, where the cache is that of the writes).
 */
import { equalJson, objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import {
  addQuantities,
  compareQuantities,
  type Quantity,
  subtractQuantities,
} from '#api/resources/quantity.ts';
import { conflict, forbidden } from '#api/resources/status.ts';
import type { Reserved, Reserving } from '../allocation/reservation.ts';
import type { Kind } from '../schema/kind.ts';
import type { Entry } from '../storage/entry.ts';
import { type ApiContext, storageKey } from '../verbs/request.ts';
import { put } from '../verbs/store.ts';
import { builtIn } from '../verbs/subresources/binding.ts';
import { type Amounts, amountsOf, described, listOf } from './amounts.ts';
import { type Counting, count, hardOf } from './count.ts';
import { type Flight, InFlight } from './in-flight.ts';
import { unsaid } from './pod-usage.ts';
import { inScope } from './scopes.ts';
import { usageOf } from './usage.ts';

export const quotaPrefix = '/registry/resourcequotas/';

/** Each round loses to another server's write. */
const rounds = 20;

type Place = Pick<ApiContext, 'storage' | 'cache' | 'kinds' | 'now'>;

export class Quotas {
  readonly #place: Place;
  readonly #inFlight = new InFlight();
  readonly #counting: Counting;
  /** One change of a namespace's quotas at a time. */
  readonly #tails = new Map<string, Promise<unknown>>();
  readonly #onUndone: (namespace: string) => void;

  /** `onUndone`: told of a namespace whose quotas are to be counted again. */
  constructor(place: Place, onUndone: (namespace: string) => void) {
    this.#place = place;
    this.#counting = { ...place, inFlight: this.#inFlight };
    this.#onUndone = onUndone;
  }

  /** `undefined` if the write uses nothing more. Rejects with 403 if there is no room. */
  reserve({ kind, object, old, dryRun }: Reserving): Promise<Reserved> | undefined {
    const { namespace, generation } = object.metadata;
    if (namespace === undefined || kind.virtual) return undefined;
    const isPod = kind.group === '' && kind.plural === 'pods';
    if (isPod && old !== undefined && generation === old.metadata.generation) return undefined;
    const now = this.#place.now();
    const usage = usageOf(kind, object, now);
    const more = old === undefined ? usage : increase(usage, usageOf(kind, old, now));
    if (more.size === 0) return undefined;
    return this.#alone(namespace, () => this.#take(kind, { object, old, more, dryRun }));
  }

  /** Counts what is used of the namespace's quotas and writes what differs. */
  recount(namespace: string): Promise<void> {
    return this.#alone(namespace, async () => {
      for (const entry of this.#quotas(namespace)) await this.#count(entry);
    });
  }

  #quotas(namespace: string): readonly Entry[] {
    return this.#place.cache.list(`${quotaPrefix}${namespace}/`).entries;
  }

  #alone<T>(namespace: string, work: () => Promise<T>): Promise<T> {
    const run = (this.#tails.get(namespace) ?? Promise.resolve()).then(work);
    const tail = run.catch(() => undefined);
    this.#tails.set(namespace, tail);
    void tail.then(() => {
      if (this.#tails.get(namespace) === tail) this.#tails.delete(namespace);
    });
    return run;
  }

  async #take(
    kind: Kind,
    asked: { object: KubeObject; old: KubeObject | undefined; more: Amounts; dryRun: boolean },
  ): Promise<Reserved> {
    const { object, old, more, dryRun } = asked;
    const { namespace = '', name } = object.metadata;
    const key = storageKey(kind, namespace, name);
    const charged = new Set<string>();
    for (let round = 0; ; round++) {
      if (round === rounds) throw conflict({ group: '', plural: 'resourcequotas' }, namespace);
      const open = await this.#open(kind, object, more, charged);
      if (dryRun) break;
      const written = await Promise.all(
        open.map(async ({ entry, quota, used }) => {
          const isWritten = await this.#write(entry, quota, used);
          if (isWritten) charged.add(entry.key);
          return isWritten;
        }),
      );
      if (written.every(Boolean)) break;
    }
    const before = old === undefined ? undefined : this.#place.cache.get(key)?.revision;
    const flight: Flight = { key, before, object, more };
    if (!dryRun) this.#inFlight.add(namespace, flight);
    const land = () => this.#inFlight.remove(namespace, flight);
    return {
      object,
      done: async () => land(),
      undo: async () => {
        land();
        this.#onUndone(namespace);
      },
    };
  }

  /** The quotas that are to be charged, with what is used then. Throws 403. */
  async #open(kind: Kind, object: KubeObject, more: Amounts, charged: ReadonlySet<string>) {
    const { namespace = '', name } = object.metadata;
    const open: { entry: Entry; quota: KubeObject; used: Map<string, Quantity> }[] = [];
    for (const held of this.#quotas(namespace)) {
      if (charged.has(held.key) || !inScope(held.object(), object)) continue;
      const entry = isCurrent(held.object()) ? held : await this.#count(held);
      const quota = entry.object();
      const hard = hardOf(quota);
      const refuse = (why: string) => forbidden(kind, name, why);
      const silent = object.kind === 'Pod' ? unsaid(object, [...hard.keys()]) : '';
      if (silent !== '') throw refuse(`failed quota: ${quota.metadata.name}: ${silent}`);
      const names = [...more.keys()].filter((one) => hard.has(one));
      if (names.length === 0) continue;
      const used = amountsOf(objectOr(objectOr(quota['status'])['used']));
      const next = new Map(used);
      for (const one of names) {
        next.set(one, addQuantities(used.get(one) ?? '0', more.get(one) ?? '0'));
      }
      const over = names.filter(
        (one) => compareQuantities(next.get(one) ?? '0', hard.get(one) ?? '0') > 0,
      );
      if (over.length > 0) {
        throw refuse(
          `exceeded quota: ${quota.metadata.name}, requested: ${described(more, over)}, ` +
            `used: ${described(used, over)}, limited: ${described(hard, over)}`,
        );
      }
      open.push({ entry, quota, used: next });
    }
    return open;
  }

  /** The quota with a status that is counted now. */
  async #count(held: Entry): Promise<Entry> {
    for (let round = 0; round < rounds; round++) {
      const entry = this.#place.cache.get(held.key);
      if (entry === undefined) return held;
      const quota = entry.object();
      const used = count(quota, this.#counting);
      if (isCurrent(quota) && equalJson(statusOf(quota, used), quota['status'])) return entry;
      if (await this.#write(entry, quota, used)) return this.#place.cache.get(held.key) ?? entry;
    }
    throw conflict({ group: '', plural: 'resourcequotas' }, held.object().metadata.name);
  }

  async #write(entry: Entry, quota: KubeObject, used: Amounts): Promise<boolean> {
    const kind = builtIn(this.#place.kinds, 'v1', 'ResourceQuota');
    const object = { ...quota, status: statusOf(quota, used) };
    const { key, revision: expectedRevision } = entry;
    const { written } = await put(this.#place, { kind, key, object, expectedRevision });
    return written;
  }
}

const statusOf = (quota: KubeObject, used: Amounts) => ({
  hard: objectOr(objectOr(quota['spec'])['hard']),
  used: listOf(used),
});

/** Whether the status is about what the quota says now. */
function isCurrent(quota: KubeObject): boolean {
  const { hard, used } = objectOr(quota['status']);
  return used !== undefined && equalJson(hard, objectOr(objectOr(quota['spec'])['hard']));
}

/** What grew. */
function increase(usage: Amounts, before: Amounts): Amounts {
  return new Map(
    [...usage]
      .map(([name, amount]) => [name, subtractQuantities(amount, before.get(name) ?? '0')] as const)
      .filter(([, amount]) => amount.nano > 0n),
  );
}
