/** Keeps the cluster as the documents of repositories and directories say. */
import { finalize } from 'rxjs/internal/operators/finalize';
import { mergeMap } from 'rxjs/internal/operators/mergeMap';
import { Subject } from 'rxjs/internal/Subject';
import { keyOf } from '#api/resources/meta.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import {
  addFinalizer,
  hasFinalizer,
  isBeingDeleted,
  removeFinalizer,
} from '#controller/runtime/finalizer.ts';
import {
  type Outcome,
  reconcileKeys,
  requeueAfter,
  settled,
} from '#controller/runtime/reconcile.ts';
import { selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { writeStatus } from '#controller/runtime/write.ts';
import { type Discover, Kinds } from './kinds.ts';
import { inStages } from './order.ts';
import { inventoryAfter, Performer } from './perform.ts';
import { type Known, type Live, type Plan, plan, prunable, type Task, tasksOf } from './plan.ts';
import { type Reader, Sources, type SourceView } from './sources.ts';
import { deadlineOf, statusOf, suspendedStatus, unreadStatus } from './status.ts';
import { type GitSync, type GitSyncStatus, gitSyncs, idOf, type Placed } from './types.ts';
import { Watching } from './watching.ts';

const finalizer = 'bayplan.dev/gitsync';
/** What is being deleted is looked at again after this long, where no watch tells. */
const goingMs = 2_000;
/** One run may apply many documents, each a request. */
const deadlineMs = 300_000;

const uidsOf = ({ status }: GitSync): readonly string[] =>
  (status?.objects ?? []).flatMap(({ uid }) => uid ?? []);

/** What a run has found out about objects that no document names. */
interface Pruned {
  readonly inventory: readonly Placed[];
  readonly kept: readonly Placed[];
  readonly leaving: readonly Placed[];
  readonly held?: string | undefined;
}

class GitSyncs {
  readonly #world: World;
  readonly #reader: Reader;
  readonly #kinds: Kinds;
  readonly #performer: Performer;
  readonly syncs: Cache<GitSync>;
  readonly watching: Watching;
  readonly sources: Sources;
  /** Keys whose source has something new. */
  readonly read = new Subject<string>();
  readonly #known = new Map<string, Map<string, Known>>();

  constructor(world: World, reader: Reader, discover: Discover | undefined) {
    this.#world = world;
    this.#reader = reader;
    this.#kinds = new Kinds(world.client, world.clock, discover);
    this.syncs = world.cache<GitSync>(gitSyncs);
    this.syncs.addIndex('objects', uidsOf);
    this.syncs.addIndex('uid', ({ metadata }) => [metadata.uid ?? '']);
    this.watching = new Watching(world);
    this.sources = new Sources(world.clock, reader, (key) => this.read.next(key));
    this.#performer = new Performer(world, {
      watching: this.watching,
      typeOf: (object) => this.#kinds.typeOf(object),
      otherOwner: (sync, uid) => this.#otherOwner(sync, uid),
    });
  }

  keysOfUid(uid: string): string[] {
    return this.syncs.byIndex('uid', uid).map(keyOf);
  }

  sweep(): Promise<void> {
    const uids = [...this.syncs.all()].map(({ metadata }) => metadata.uid ?? '');
    return this.#reader.sweep(new Set(uids));
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const sync = this.syncs.get(key);
    if (sync === undefined) {
      this.#forget(key);
      return settled();
    }
    if (isBeingDeleted(sync)) return this.#release(key, sync, signal);
    if (sync.spec.suspend === true) {
      this.sources.rest(key);
      await this.#tell(sync, suspendedStatus(sync, this.#world.clock.now()), signal);
      return settled();
    }
    if (!hasFinalizer(sync, finalizer)) {
      const collection = this.#world.collection<GitSync>(gitSyncs);
      this.syncs.put(await addFinalizer(collection, sync, finalizer, signal));
      return settled('finalizer');
    }
    const source = this.sources.look(key, sync);
    if (source.fetched !== undefined) return this.#follow(key, sync, source, signal);
    await this.#tell(sync, unreadStatus(sync, source, this.#world.clock.now()), signal);
    return this.#again(source.nextMs);
  }

  async #follow(
    key: string,
    sync: GitSync,
    source: SourceView,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { documents = [] } = source.fetched?.rendered ?? {};
    await this.#kinds.learn(
      [...documents.map(({ object }) => object), ...(sync.status?.objects ?? [])],
      signal,
    );
    const tasks = tasksOf({ documents }, sync, (object) => this.#kinds.typeOf(object));
    const known = this.#knownOf(key, tasks);
    this.watching.of(
      key,
      tasks.flatMap(({ type }) => type ?? []),
    );
    const { clock } = this.#world;
    const live = (task: Task): Live => this.watching.live(task.type, keyOf(task.document.object));
    const wanted = plan({ sync, tasks, known, live, nowMs: clock.now() });
    const intended = await this.#intend(sync, wanted, signal);
    const actions = await this.#performer.apply(intended, wanted.apply, known, signal);
    const inventory = inventoryAfter(intended.status?.objects ?? [], tasks, known);
    const failed = tasks.filter(({ id }) => known.get(id)?.error !== undefined);
    const problems = source.fetched?.rendered.problems.length ?? 0;
    const facts = { tasks, problems, failed: failed.length };
    const pruned = await this.#prune(intended, inventory, facts, signal);
    const status = statusOf(intended, { source, tasks, known, live, ...pruned }, clock.now());
    const latest = await this.#tell(intended, status, signal);
    const due = failed.map(({ id }) => known.get(id)?.retryAtMs ?? 0);
    if (pruned.leaving.length > 0 && pruned.held === undefined) due.push(clock.now() + goingMs);
    return this.#again(source.nextMs, wanted.againAtMs, ...due, this.#lateAt(latest), ...actions);
  }

  /** When waiting for health ends, if something is waited for. */
  #lateAt(sync: GitSync): number | undefined {
    const waits = sync.status?.conditions?.some(({ reason }) => reason === 'Progressing') === true;
    return waits ? deadlineOf(sync) : undefined;
  }

  /** Before anything is made, the inventory says so: nothing can be made and forgotten. */
  async #intend(sync: GitSync, { intend }: Plan, signal: AbortSignal): Promise<GitSync> {
    if (intend === undefined) return sync;
    const observedGeneration = sync.metadata.generation ?? 0;
    return this.#tell(sync, { ...sync.status, observedGeneration, objects: intend }, signal);
  }

  async #prune(
    sync: GitSync,
    inventory: readonly Placed[],
    facts: { tasks: readonly Task[]; problems: number; failed: number },
    signal: AbortSignal,
  ): Promise<Pruned> {
    const { stages, held } = prunable(sync, inventory, facts);
    if (held !== undefined) return { inventory, kept: [], leaving: stages.flat(), held };
    const { gone, kept, leaving } = await this.#performer.removeAll(
      sync,
      stages,
      'its account',
      signal,
    );
    return { inventory: inventory.filter((placed) => !gone.has(idOf(placed))), kept, leaving };
  }

  /** It is being deleted: with it goes what it has made, unless it says otherwise. */
  async #release(key: string, sync: GitSync, signal: AbortSignal): Promise<Outcome> {
    this.sources.rest(key);
    if (!hasFinalizer(sync, finalizer)) return settled();
    const { prune, suspend } = sync.spec;
    if (prune !== false && suspend !== true) {
      const objects = sync.status?.objects ?? [];
      await this.#kinds.learn(objects, signal);
      const stages = inStages(objects, (placed) => placed).reverse();
      const { leaving } = await this.#performer.removeAll(sync, stages, 'ours', signal);
      if (leaving.length > 0) return requeueAfter(goingMs, `${leaving.length} objects are going`);
    }
    await this.#reader.forget(sync.metadata.uid ?? '');
    await removeFinalizer(this.#world.collection<GitSync>(gitSyncs), sync, finalizer, signal);
    return settled('released');
  }

  /** Resolves with the GitSync as it is then; one that has gone stays as it was. */
  async #tell(sync: GitSync, status: GitSyncStatus, signal: AbortSignal): Promise<GitSync> {
    const collection = this.#world.collection<GitSync>(gitSyncs);
    await writeStatus(collection, this.syncs, sync, status, signal);
    const latest = this.syncs.get(keyOf(sync));
    return latest !== undefined && latest.metadata.uid === sync.metadata.uid
      ? latest
      : { ...sync, status };
  }

  #again(...times: readonly (number | string | undefined)[]): Outcome {
    const due = times.filter((time) => typeof time === 'number').filter(Number.isFinite);
    const actions = times.filter((time) => typeof time === 'string');
    if (due.length === 0) return settled(...actions);
    return requeueAfter(Math.max(0, Math.min(...due) - this.#world.clock.now()), ...actions);
  }

  #knownOf(key: string, tasks: readonly Task[]): Map<string, Known> {
    const known = this.#known.get(key) ?? new Map<string, Known>();
    const wanted = new Set(tasks.map(({ id }) => id));
    for (const id of known.keys()) if (!wanted.has(id)) known.delete(id);
    this.#known.set(key, known);
    return known;
  }

  #otherOwner(sync: GitSync, uid: string): string | undefined {
    const other = this.syncs
      .byIndex('objects', uid)
      .find(({ metadata }) => metadata.uid !== sync.metadata.uid);
    return other === undefined ? undefined : keyOf(other);
  }

  #forget(key: string): void {
    this.sources.rest(key);
    this.#known.delete(key);
    this.watching.of(key, []);
  }
}

/** `discover` is the server's own unless a test has another. */
export const gitSyncController = (
  reader: (world: World) => Reader,
  discover?: Discover,
): Controller => ({
  name: 'git-sync',
  run: (world) => {
    const all = new GitSyncs(world, reader(world), discover);
    const changed$ = all.watching.uids$.pipe(mergeMap((uid) => all.keysOfUid(uid)));
    void all.syncs.synced().then(() => all.sweep());
    const keys$ = whenSynced([all.syncs], selfKeys(all.syncs.changes), all.read, changed$);
    const { clock } = world;
    return reconcileKeys(keys$, (key, signal) => all.reconcile(key, signal), {
      concurrency: 4,
      clock,
      deadlineMs,
    }).pipe(finalize(() => all.sources.stop()));
  },
});
