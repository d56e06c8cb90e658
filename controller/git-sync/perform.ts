/** Does what the plan says; the only writer of what GitSyncs apply and remove. */
import type { ApiObject, Client } from '#api/client/collection.ts';
import { keyOf, type ResourceType } from '#api/resources/meta.ts';
import { hasReason, StatusError } from '#api/resources/status.ts';
import { backoffMs } from '#controller/runtime/backoff.ts';
import type { World } from '#controller/runtime/world.ts';
import {
  corrected,
  failureBackoff,
  isKept,
  type Known,
  ownerLabel,
  printOf,
  type Task,
} from './plan.ts';
import { type GitSync, idOf, type Placed, placedOf, shown } from './types.ts';
import type { Watching } from './watching.ts';

/** Requests of one stage under way at once. */
const atOnce = 8;

/** Who is asked about the objects of one GitSync, and told of them. */
export interface Surroundings {
  readonly watching: Watching;
  typeOf(object: { readonly apiVersion: string; readonly kind: string }): ResourceType | undefined;
  /** The key of another GitSync that has the object in its inventory. */
  otherOwner(sync: GitSync, uid: string): string | undefined;
}

/** What has become of an object that no document names. */
type Gone = 'gone' | 'going' | 'kept' | 'not ours';

/** At most 128 characters, different for each GitSync. */
const managerOf = ({ metadata }: GitSync): string => {
  const name = `gitsync-${metadata.namespace}-${metadata.name}`;
  return name.length <= 128 ? name : `gitsync-${metadata.uid}`;
};

/** No answer at all, or none for now: no document is to blame. */
const isOutage = (error: unknown): boolean =>
  !(error instanceof StatusError) || error.code === 503 || error.code === 429;

export class Performer {
  readonly #world: World;
  readonly #around: Surroundings;

  constructor(world: World, around: Surroundings) {
    this.#world = world;
    this.#around = around;
  }

  /** Applies stage after stage; a document that fails holds no other up. Tells of each in `known`. */
  async apply(
    sync: GitSync,
    stages: readonly (readonly Task[])[],
    known: Map<string, Known>,
    signal: AbortSignal,
  ): Promise<string[]> {
    const actions: string[] = [];
    for (const stage of stages) {
      const rest = [...stage];
      const work = async () => {
        for (let task = rest.shift(); task !== undefined; task = rest.shift()) {
          actions.push(...(await this.#applyOne(sync, task, known, signal)));
        }
      };
      await Promise.all(Array.from({ length: Math.min(atOnce, rest.length) }, work));
    }
    return actions;
  }

  async #applyOne(
    sync: GitSync,
    task: Task,
    known: Map<string, Known>,
    signal: AbortSignal,
  ): Promise<string[]> {
    const { document, type, id, digest } = task;
    const before = known.get(id);
    const name = shown(placedOf(document));
    try {
      if (type === undefined) throw new Error(this.#unknownKind(task));
      const live = this.#around.watching.live(type, keyOf(document.object));
      const held = live === 'unheard' ? undefined : live;
      this.#mustBeOurs(sync, held);
      const options = { fieldManager: managerOf(sync), force: sync.spec.force !== false };
      const collection = this.#client(sync).collection<ApiObject>(type);
      const reply = await collection.apply(document.object, options, signal);
      this.#around.watching.put(type, reply);
      // The cache has taken the managed fields off the reply.
      delete reply.metadata.managedFields;
      const isDrift = before?.digest === digest && before.error === undefined;
      const isWritten = held?.metadata.resourceVersion !== reply.metadata.resourceVersion;
      const isCorrected = isDrift && isWritten && before.print !== undefined;
      const nowMs = this.#world.clock.now();
      const corrections = isCorrected ? corrected(before, nowMs) : (before?.corrections ?? []);
      const { uid } = reply.metadata;
      const print = printOf(reply);
      const next = { digest, print, failures: 0, retryAtMs: 0, corrections };
      known.set(id, uid === undefined ? next : { ...next, uid });
      if (isCorrected) this.#tellCorrection(sync, name, held === undefined);
      return isWritten ? [`apply ${name}`] : [];
    } catch (error) {
      signal.throwIfAborted();
      const isTold = type === undefined || (error instanceof Error && error.name === 'Refused');
      if (!isTold && isOutage(error)) throw error;
      const failures = (before?.digest === digest ? before.failures : 0) + 1;
      const { clock } = this.#world;
      const retryAtMs = clock.now() + backoffMs(failureBackoff, failures, clock.random());
      const corrections = before?.corrections ?? [];
      const message = error instanceof Error ? error.message : String(error);
      known.set(id, { digest, error: message, failures, retryAtMs, corrections });
      if (failures === 1) this.#tellFailure(sync, `${document.place}: ${name}: ${message}`);
      return [];
    }
  }

  #unknownKind({ document }: Task): string {
    const { apiVersion, kind } = document.object;
    return `the server has no kind ${kind} in ${apiVersion}; is its CustomResourceDefinition applied?`;
  }

  #mustBeOurs(sync: GitSync, held: ApiObject | undefined): void {
    const owner = held && this.#around.otherOwner(sync, held.metadata.uid ?? '');
    if (owner === undefined) return;
    const refused = new Error(`belongs to the GitSync ${owner}; remove it from one of the two`);
    refused.name = 'Refused';
    throw refused;
  }

  /** Removes stage after stage what no document names. */
  async removeAll(
    sync: GitSync,
    stages: readonly (readonly Placed[])[],
    inWhoseName: 'its account' | 'ours',
    signal: AbortSignal,
  ) {
    const gone = new Set<string>();
    const kept: Placed[] = [];
    const leaving: Placed[] = [];
    for (const placed of stages.flat()) {
      const what = await this.#remove(sync, placed, inWhoseName, signal);
      if (what === 'kept') kept.push(placed);
      else if (what === 'going') leaving.push(placed);
      else gone.add(idOf(placed));
    }
    return { gone, kept, leaving };
  }

  /** Removes one; resolves with what has become of it. The uid says that it is still ours. */
  async #remove(
    sync: GitSync,
    placed: Placed,
    inWhoseName: 'its account' | 'ours',
    signal: AbortSignal,
  ): Promise<Gone> {
    const type = this.#around.typeOf(placed);
    // Without its kind nothing of it is left.
    if (type === undefined) return 'gone';
    const { namespace, name } = placed;
    const ref = namespace === undefined ? { name } : { namespace, name };
    // When all goes, its account may have gone before.
    const client = inWhoseName === 'ours' ? this.#world.client : this.#client(sync);
    const collection = client.collection<ApiObject>(type);
    let live: ApiObject;
    try {
      live = await collection.get(ref, signal);
    } catch (error) {
      if (hasReason(error, 'NotFound')) return 'gone';
      throw error;
    }
    const { uid, labels, deletionTimestamp } = live.metadata;
    // Made by us just before we died: the label tells, for want of a uid.
    const needsLabel = placed.uid === undefined || inWhoseName === 'ours';
    const isOurs = (placed.uid ?? uid) === uid && (!needsLabel || labelled(labels, sync));
    if (!isOurs || this.#around.otherOwner(sync, uid ?? '') !== undefined) return 'not ours';
    if (deletionTimestamp !== undefined) return 'going';
    live.kind ??= placed.kind;
    if (isKept(live)) return 'kept';
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    try {
      await collection.delete(ref, { propagationPolicy: 'Background', ...preconditions }, signal);
    } catch (error) {
      if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error;
    }
    const message = `Removed ${shown(placed)}: no document names it any more`;
    this.#world.events.record(sync, { type: 'Normal', reason: 'Pruned', message });
    return 'going';
  }

  #client({ metadata, spec }: GitSync): Client {
    const { serviceAccount } = spec;
    if (serviceAccount === undefined) return this.#world.client;
    return this.#world.client.as(`system:serviceaccount:${metadata.namespace}:${serviceAccount}`);
  }

  #tellCorrection(sync: GitSync, name: string, wasGone: boolean): void {
    const message = `${name} ${wasGone ? 'was deleted; made again' : 'was changed; put back'}`;
    this.#world.events.record(sync, { type: 'Normal', reason: 'DriftCorrected', message });
  }

  #tellFailure(sync: GitSync, message: string): void {
    this.#world.events.record(sync, { type: 'Warning', reason: 'ApplyFailed', message });
  }
}

const labelled = (labels: Record<string, string> | undefined, { metadata }: GitSync): boolean =>
  labels?.[ownerLabel] === metadata.uid;

/** The inventory after applying: with the uids of what was made, and where each document stands now. */
export function inventoryAfter(
  inventory: readonly Placed[],
  tasks: readonly Task[],
  known: ReadonlyMap<string, Known>,
): Placed[] {
  const byId = new Map(inventory.map((placed) => [idOf(placed), placed]));
  for (const { id, document } of tasks) {
    const held = byId.get(id);
    byId.set(id, placedOf(document, known.get(id)?.uid ?? held?.uid));
  }
  return [...byId.values()];
}
