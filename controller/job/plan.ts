/** What a Job wants done with its pods, and what is to be said of it. Pure. After pkg/controller/job. */
import type { Job, Pod } from '#api/resources/types.ts';
import type { Happening } from '#controller/runtime/events.ts';
import { type Claim, claimed } from '#controller/workload/claim.ts';
import { hasEnded } from '#controller/workload/pod-state.ts';
import { selectorOf } from '#controller/workload/selecting.ts';
import { deadlineMs, isFinished, isSuspended, type Verdict, verdictOf } from './finish.ts';
import { changesOf, lastFailures } from './pods.ts';
import { jobStatus, type Noted, type Status } from './status.ts';
import { type Tally, tallyOf } from './tally.ts';
import { hasLimitPerIndex, indexOf, isFailed, isIndexed, isTracked } from './tracking.ts';

export interface Plan extends Claim<Pod> {
  /** Written first: what it says of pods allows them to go. Undefined: it stays as it is. */
  readonly status?: Status;
  /** Counted: they lose the finalizer. */
  readonly untrack: readonly Pod[];
  /** Not wanted any more: they lose the finalizer, then they are deleted. */
  readonly dismiss: readonly Pod[];
  /** Running in vain, for the Job has ended. */
  readonly remove: readonly Pod[];
  readonly create: readonly Pod[];
  readonly tell: readonly Happening[];
  readonly againMs?: number;
}

/** So many uids are noted in a status at once. */
const longestNote = 500;

/** `pods`: all of the namespace that the Job controls or might adopt. */
export function plan(job: Job, pods: readonly Pod[], nowMs: number): Plan {
  const claim = claimed({ owner: job, selector: selectorOf(job) }, pods);
  const own = [...claim.own, ...claim.adopt];
  const idle = { ...claim, untrack: [], dismiss: [], remove: [], create: [], tell: [] };
  if (isFinished(job)) return { ...idle, untrack: own.filter(isTracked) };
  const tally = tallyOf(job, own);
  const verdict = verdictOf(job, own, tally, nowMs);
  const noted = notes(job, tally, verdict);
  const left = own.filter(isTracked);
  const nothingNoted = noted.succeeded.length + noted.failed.length === 0;
  const over =
    verdict !== undefined && left.length === 0 && nothingNoted && tally.terminating === 0;
  const status = jobStatus(job, tally, noted, verdict, over, nowMs);
  const untrack = counted(job, left, tally, noted, verdict);
  const going = job.metadata.deletionTimestamp !== undefined;
  const told = { ...idle, status, untrack, tell: happenings(job, verdict, over) };
  if (going) return { ...told, tell: [] };
  if (verdict !== undefined) return { ...told, remove: tally.active };
  if (isSuspended(job)) return { ...told, dismiss: tally.active };
  const changes = changesOf(job, own, tally, nowMs);
  return {
    ...told,
    ...changes,
    ...earliest(deadlineMs({ ...job, status }), changes.againMs, nowMs),
  };
}

function earliest(deadline: number | undefined, againMs: number | undefined, nowMs: number) {
  const waits = [againMs, deadline === undefined ? undefined : deadline - nowMs];
  const known = waits.filter((ms) => ms !== undefined);
  return known.length === 0 ? {} : { againMs: Math.max(0, Math.min(...known)) };
}

interface Notes extends Noted {
  /** Pods that are to be noted and could not be: they keep the finalizer. */
  readonly waiting: ReadonlySet<Pod>;
}

/** The uids to be in the status. Of a Job that failed, whatever still runs counts as failed. */
function notes(job: Job, { fresh, noted, active }: Tally, verdict: Verdict | undefined): Notes {
  const vain = verdict?.type === 'FailureTarget' ? active : [];
  const known = new Set([...noted.succeeded, ...noted.failed, ...uidsOf(fresh.failed)]);
  const lost = vain.filter(
    (pod) =>
      isTracked(pod) &&
      !known.has(uidOf(pod)) &&
      (!isIndexed(job) || indexOf(job, pod) !== undefined),
  );
  const room = longestNote - noted.succeeded.length - noted.failed.length;
  const all = [...fresh.succeeded, ...fresh.failed, ...lost];
  const taken = new Set(all.slice(0, Math.max(0, room)));
  const isTaken = (pod: Pod) => taken.has(pod);
  return {
    succeeded: [...noted.succeeded, ...uidsOf(fresh.succeeded.filter(isTaken))],
    failed: [...noted.failed, ...uidsOf([...fresh.failed, ...lost].filter(isTaken))],
    waiting: new Set(all.filter((pod) => !taken.has(pod))),
  };
}

const uidOf = ({ metadata }: Pod): string => metadata.uid ?? '';
const uidsOf = (pods: readonly Pod[]): string[] => pods.map(uidOf);

/** Pods of which the status says all there is to say. */
function counted(
  job: Job,
  tracked: readonly Pod[],
  tally: Tally,
  { waiting }: Notes,
  verdict: Verdict | undefined,
): Pod[] {
  const all = verdict !== undefined || job.metadata.deletionTimestamp !== undefined;
  const kept = all ? new Set() : new Set(remembered(job, tracked, tally));
  return tracked.filter((pod) => {
    if (waiting.has(pod) || kept.has(pod)) return false;
    return all || hasEnded(pod) || isFailed(job, pod);
  });
}

/** Failed pods by which the next of their index learns how often it has failed. */
function remembered(job: Job, tracked: readonly Pod[], tally: Tally): Pod[] {
  if (!hasLimitPerIndex(job)) return [];
  const { failedIndexes, succeededIndexes } = tally;
  return [...lastFailures(job, tracked)]
    .filter(([index]) => !failedIndexes.has(index) && !succeededIndexes.has(index))
    .map(([, pod]) => pod);
}

function happenings(job: Job, verdict: Verdict | undefined, over: boolean): Happening[] {
  if (verdict !== undefined) {
    if (!over) return [];
    return verdict.type === 'SuccessCriteriaMet'
      ? [{ type: 'Normal', reason: 'Completed', message: 'Job completed' }]
      : [{ type: 'Warning', reason: verdict.reason, message: verdict.message }];
  }
  const held = job.status?.conditions?.find(({ type }) => type === 'Suspended')?.status;
  if (isSuspended(job) && held !== 'True') {
    return [{ type: 'Normal', reason: 'Suspended', message: 'Job suspended' }];
  }
  const resumed = !isSuspended(job) && held === 'True';
  return resumed ? [{ type: 'Normal', reason: 'Resumed', message: 'Job resumed' }] : [];
}
