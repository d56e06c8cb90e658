/** What a GitSync says of itself. Pure. */
import { type Health, healthOf } from '#api/resources/health.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { type Condition, withCondition } from '#controller/runtime/conditions.ts';
import { defined } from '#controller/runtime/write.ts';
import { isContested, type Known, type Live, several, type Task } from './plan.ts';
import type { SourceView } from './sources.ts';
import {
  type GitSync,
  type GitSyncStatus,
  idOf,
  type Placed,
  type Problem,
  placedOf,
  shown,
} from './types.ts';

/** Lines of a condition's message; the rest is counted. */
const mostLines = 10;
const lineChars = 400;
const defaultTimeoutSeconds = 300;

export interface Done {
  readonly source: SourceView;
  readonly tasks: readonly Task[];
  readonly known: ReadonlyMap<string, Known>;
  live(task: Task): Live;
  readonly inventory: readonly Placed[];
  /** Objects that stay although no document names them, and why others are not removed yet. */
  readonly kept: readonly Placed[];
  readonly held?: string | undefined;
  readonly leaving: readonly Placed[];
}

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;

const verdict = (
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
): Verdict => ({
  status,
  reason,
  message,
});

function listed(lines: readonly string[]): string {
  const shortened = lines.map((line) =>
    line.length > lineChars ? `${line.slice(0, lineChars)}…` : line,
  );
  if (lines.length <= mostLines) return shortened.join('\n');
  return `${shortened.slice(0, mostLines).join('\n')}\nand ${lines.length - mostLines} more`;
}

const short = (revision: string): string =>
  revision.startsWith('sha256:') ? revision.slice(0, 19) : revision.slice(0, 12);

function fetched({ problem, fetched: found }: SourceView): Verdict {
  if (problem !== undefined) return verdict('False', problem.reason, problem.message);
  if (found === undefined) return verdict('Unknown', 'Fetching', 'the documents are being read');
  const at = `${found.ref ?? 'at'} ${short(found.revision)}`;
  if (!found.rewritten) return verdict('True', 'Fetched', at);
  const message = `${at}; the history was rewritten: ${short(found.rewritten)} is none of its ancestors`;
  return verdict('True', 'Rewritten', message);
}

const problemLine = ({ place, message }: Problem): string => `${place}: ${message}`;

const failureLine = ({ document }: Task, error: string): string =>
  `${document.place}: ${shown(placedOf(document))}: ${error}`;

function applied(
  { tasks, known, source, inventory, kept, held, leaving }: Done,
  nowMs: number,
): Verdict {
  const problems = source.fetched?.rendered.problems ?? [];
  const failures = tasks.flatMap((task) => {
    const error = known.get(task.id)?.error;
    return error === undefined ? [] : [failureLine(task, error)];
  });
  const lines = [...problems.map(problemLine), ...failures];
  const stays =
    leaving.length === 0 ? [] : [`not removed: ${several(leaving)}: ${held ?? 'they are going'}`];
  if (kept.length > 0)
    stays.push(`kept: ${several(kept)}; annotate bayplan.dev/prune=true to remove`);
  if (problems.length > 0) return verdict('False', 'RenderFailed', listed([...lines, ...stays]));
  if (lines.length > 0) return verdict('False', 'ApplyFailed', listed([...lines, ...stays]));
  if (tasks.length === 0 && inventory.length > 0) return verdict('False', 'Empty', listed(stays));
  const contested = tasks.filter(({ id }) => {
    const held = known.get(id);
    return held !== undefined && isContested(held, nowMs);
  });
  if (contested.length > 0) {
    const names = several(contested.map(({ document }) => placedOf(document)));
    const message = `somebody else keeps changing ${names}; it is put back less often`;
    return verdict('True', 'Contested', listed([message, ...stays]));
  }
  return verdict('True', 'Applied', listed([`${tasks.length} documents`, ...stays]));
}

function healthy({ tasks, known, live }: Done, sync: GitSync, nowMs: number): Verdict {
  const judged = tasks
    .filter(({ id }) => known.get(id)?.error === undefined)
    .map((task): { task: Task; health: Health } => {
      const object = live(task);
      return {
        task,
        health: object === 'unheard' ? { is: 'waiting', why: 'not listed yet' } : healthOf(object),
      };
    });
  const line = ({ task, health }: (typeof judged)[number]) =>
    `${shown(placedOf(task.document))}: ${health.is === 'healthy' ? '' : health.why}`;
  const failed = judged.filter(({ health }) => health.is === 'failed');
  if (failed.length > 0) return verdict('False', 'Failed', listed(failed.map(line)));
  const waiting = judged.filter(({ health }) => health.is === 'waiting');
  if (waiting.length === 0) return verdict('True', 'Healthy', `${judged.length} objects`);
  const deadline = deadlineOf(sync);
  const isLate = deadline !== undefined && nowMs >= deadline;
  return verdict('False', isLate ? 'TimedOut' : 'Progressing', listed(waiting.map(line)));
}

/** When waiting for health is given up, in milliseconds; undefined: nothing was applied. */
export function deadlineOf({ spec, status }: GitSync): number | undefined {
  const since = Date.parse(status?.lastAppliedTime ?? '');
  if (Number.isNaN(since)) return undefined;
  return since + (spec.timeoutSeconds ?? defaultTimeoutSeconds) * 1_000;
}

/** Of the others the first that is not so says why. */
function ready(all: readonly Verdict[], revision: string): Verdict {
  const wrong = all.find(({ status }) => status !== 'True');
  if (wrong === undefined) return verdict('True', 'Ready', `at ${short(revision)}`);
  const isUnderWay = wrong.reason === 'Fetching' || wrong.reason === 'Progressing';
  return { ...wrong, status: isUnderWay ? 'Unknown' : 'False' };
}

function withVerdicts(sync: GitSync, verdicts: Readonly<Record<string, Verdict>>, nowMs: number) {
  const { generation } = sync.metadata;
  let conditions: readonly Condition[] = sync.status?.conditions ?? [];
  for (const [type, said] of Object.entries(verdicts)) {
    const next = { type, ...said, observedGeneration: generation ?? 0 };
    conditions = withCondition(conditions, next, timestamp(nowMs));
  }
  return conditions;
}

/** While nothing could be read at all. */
export function unreadStatus(sync: GitSync, source: SourceView, nowMs: number): GitSyncStatus {
  const said = fetched(source);
  const conditions = withVerdicts(sync, { Fetched: said, Ready: ready([said], '') }, nowMs);
  const observedGeneration = sync.metadata.generation ?? 0;
  return { ...sync.status, observedGeneration, conditions };
}

export function suspendedStatus(sync: GitSync, nowMs: number): GitSyncStatus {
  const said = verdict('False', 'Suspended', 'spec.suspend: everything is left as it is');
  const observedGeneration = sync.metadata.generation ?? 0;
  return {
    ...sync.status,
    observedGeneration,
    conditions: withVerdicts(sync, { Ready: said }, nowMs),
  };
}

/** After a run. `sync` has the status as it was before. */
export function statusOf(sync: GitSync, done: Done, nowMs: number): GitSyncStatus {
  const { status = {}, spec } = sync;
  const revision = done.source.fetched?.revision ?? '';
  const Applied = applied(done, nowMs);
  const isNew = Applied.status === 'True' && status.revision !== revision;
  const since = { ...status, ...(isNew ? { lastAppliedTime: timestamp(nowMs) } : {}) };
  const Healthy = healthy(done, { ...sync, status: since }, nowMs);
  const Fetched = fetched(done.source);
  const all = spec.wait === false ? [Fetched, Applied] : [Fetched, Applied, Healthy];
  const objects = [...done.inventory].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  return defined({
    ...since,
    observedGeneration: sync.metadata.generation ?? 0,
    revision: Applied.status === 'True' ? revision : status.revision,
    attemptedRevision: revision,
    objectCount: objects.filter(({ uid }) => uid !== undefined).length,
    objects,
    conditions: withVerdicts(
      sync,
      { Fetched, Applied, Healthy, Ready: ready(all, revision) },
      nowMs,
    ),
  });
}
