/** What is to be done for a GitSync: which documents are applied now, which objects go. Pure. */
import { createHash } from 'node:crypto';
import type { ApiObject } from '#api/client/collection.ts';
import type { KubeObject, ResourceType } from '#api/resources/meta.ts';
import { type Backoff, backoffMs } from '#controller/runtime/backoff.ts';
import { inStages } from './order.ts';
import {
  type Document,
  type GitSync,
  idOf,
  type Placed,
  placedOf,
  type Rendered,
  shown,
} from './types.ts';

/** Marks what a GitSync has applied with its uid, to find it; whose it is, the inventory says. */
export const ownerLabel = 'bayplan.dev/gitsync';
/** On an object: `false` keeps it when its document goes; `true` lets go what else is kept for the data in it. */
export const pruneAnnotation = 'bayplan.dev/prune';

/** With these goes what people cannot make again. */
const keptKinds = new Set(
  'Namespace CustomResourceDefinition PersistentVolumeClaim PersistentVolume'.split(' '),
);

/** A document that could not be applied: its cause may go away by itself. */
export const failureBackoff: Backoff = { firstMs: 1_000, maxMs: 120_000, factor: 2, jitter: 0.1 };
/** Corrections of one object within a minute before it is contested; then each waits longer. */
const freeCorrections = 5;
const contestMs = 60_000;
const contestBackoff: Backoff = { firstMs: 2_000, maxMs: 60_000, factor: 2, jitter: 0 };

/** What we know of one document since we run; nothing is lost with it but a few needless requests. */
export interface Known {
  /** Of the document that was applied. */
  readonly digest: string;
  /** Of the object as it was afterwards. */
  readonly print?: string;
  readonly uid?: string;
  /** Why it could not be applied, and how often in a row. */
  readonly error?: string;
  readonly failures: number;
  readonly retryAtMs: number;
  /** When others' changes were put back. */
  readonly corrections: readonly number[];
}

/** A document with its namespace and the server's type for it. */
export interface Task {
  readonly document: Document;
  /** Absent: the server has no such kind (yet). */
  readonly type?: ResourceType | undefined;
  readonly id: string;
  readonly digest: string;
}

/** As far as the watch has told: `unheard` before its first list. */
export type Live = ApiObject | 'unheard' | undefined;

const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64').slice(0, 22);

/** Of all that people and controllers want of an object; what changes by itself is left out. */
export function printOf(object: ApiObject & { status?: unknown }): string {
  const { status: _status, metadata, ...rest } = object;
  const { uid, labels, annotations, ownerReferences, finalizers, deletionTimestamp } = metadata;
  return hashOf([rest, uid, labels, annotations, ownerReferences, finalizers, deletionTimestamp]);
}

/** The documents with the namespace that each of them gets. */
export function tasksOf(
  { documents }: Pick<Rendered, 'documents'>,
  { metadata, spec }: GitSync,
  typeOf: (object: KubeObject) => ResourceType | undefined,
): Task[] {
  const usual = spec.targetNamespace ?? metadata.namespace ?? 'default';
  const label = { [ownerLabel]: metadata.uid ?? '' };
  return documents.map(({ object, place }) => {
    const type = typeOf(object);
    const { namespace, managedFields: _, ...own } = object.metadata;
    const scope = type?.namespaced === false ? {} : { namespace: namespace || usual };
    const wanted = { ...own, ...scope, labels: { ...own.labels, ...label } };
    const document = { object: { ...object, metadata: wanted }, place };
    return { document, type, id: idOf(placedOf(document)), digest: hashOf(document.object) };
  });
}

export interface View {
  readonly sync: GitSync;
  readonly tasks: readonly Task[];
  readonly known: ReadonlyMap<string, Known>;
  live(task: Task): Live;
  readonly nowMs: number;
}

export interface Plan {
  /** The inventory to be written before anything else is; absent: it says so already. */
  readonly intend?: readonly Placed[];
  /** Stage after stage; what is in one may go side by side. */
  readonly apply: readonly (readonly Task[])[];
  /** When a document is due that now waits. */
  readonly againAtMs?: number;
}

type Due = 'now' | 'fresh' | number;

function dueOf(task: Task, { known, live, nowMs }: View): Due {
  const held = known.get(task.id);
  if (held === undefined || held.digest !== task.digest) return 'now';
  const at = (ms: number): Due => (ms <= nowMs ? 'now' : ms);
  if (held.error !== undefined) return at(held.retryAtMs);
  const object = live(task);
  if (object === 'unheard') return 'fresh';
  // What is being deleted cannot be saved; it is made again when it has gone.
  if (object?.metadata.deletionTimestamp !== undefined) return 'fresh';
  if (object !== undefined && printOf(object) === held.print) return 'fresh';
  return at(contestedUntil(held, nowMs));
}

const recent = ({ corrections }: Known, nowMs: number): readonly number[] =>
  corrections.filter((ms) => nowMs - ms < contestMs);

/** When the next correction may be: somebody else writes the same fields again and again. */
function contestedUntil(known: Known, nowMs: number): number {
  const lately = recent(known, nowMs);
  const surplus = lately.length - freeCorrections;
  if (surplus < 0) return nowMs;
  return (lately.at(-1) ?? nowMs) + backoffMs(contestBackoff, surplus + 1, 0);
}

/** Whether somebody else keeps changing the object. */
export const isContested = (known: Known, nowMs: number): boolean =>
  recent(known, nowMs).length > freeCorrections;

/** What is known after others' change was put back. */
export const corrected = (known: Known, nowMs: number): readonly number[] => [
  ...recent(known, nowMs),
  nowMs,
];

/** The inventory with what is about to be made. */
function intended(
  objects: readonly Placed[],
  tasks: readonly Task[],
): readonly Placed[] | undefined {
  const held = new Set(objects.map(idOf));
  const added = tasks.filter(({ id }) => !held.has(id)).map(({ document }) => placedOf(document));
  return added.length === 0 ? undefined : [...objects, ...added];
}

export function plan(view: View): Plan {
  const { sync, tasks } = view;
  const due = tasks.map((task) => ({ task, when: dueOf(task, view) }));
  const now = due.filter(({ when }) => when === 'now').map(({ task }) => task);
  const later = due.map(({ when }) => when).filter((when) => typeof when === 'number');
  const intend = intended(sync.status?.objects ?? [], now);
  return {
    ...(intend === undefined ? {} : { intend }),
    apply: inStages(now, ({ document }) => document.object),
    ...(later.length === 0 ? {} : { againAtMs: Math.min(...later) }),
  };
}

export interface Pruning {
  /** No document names these any more: what depends on others first. */
  readonly stages: readonly (readonly Placed[])[];
  /** Why they stay for now. */
  readonly held?: string;
}

/** What goes, after everything else was done: never on the word of documents that are not all understood. */
export function prunable(
  sync: GitSync,
  inventory: readonly Placed[],
  {
    tasks,
    problems,
    failed,
  }: {
    readonly tasks: readonly Task[];
    readonly problems: number;
    readonly failed: number;
  },
): Pruning {
  const wanted = new Set(tasks.map(({ id }) => id));
  const gone = inventory.filter((placed) => !wanted.has(idOf(placed)));
  const stages = inStages(gone, (placed) => placed).reverse();
  if (gone.length === 0) return { stages: [] };
  if (sync.spec.prune === false) return { stages, held: 'spec.prune is false' };
  if (tasks.length === 0)
    return {
      stages,
      held: 'there are no documents at all; delete the GitSync to remove everything',
    };
  if (problems > 0) return { stages, held: 'documents that cannot be read may name them' };
  if (failed > 0) return { stages, held: 'other documents could not be applied' };
  return { stages };
}

/** Whether an object stays although its document has gone: for its data, or because it says so. */
export function isKept(object: ApiObject): boolean {
  const said = object.metadata.annotations?.[pruneAnnotation];
  return said === 'false' || said === 'disabled' || (said !== 'true' && keptKinds.has(object.kind));
}

/** `ConfigMap shop/a, Service shop/b and 3 more`. */
export function several(placed: readonly Placed[], most = 5): string {
  const named = placed.slice(0, most).map(shown).join(', ');
  return placed.length > most ? `${named} and ${placed.length - most} more` : named;
}
