/** What a Snapshot wants done, and what its status says. Pure. */
import { timestamp } from '#controller/runtime/clock.ts';
import { type Condition, withCondition } from '#controller/runtime/conditions.ts';
import type { Committed, Snapshot, SnapshotStatus } from './types.ts';

export type Step =
  /** `path`: what is asked of the API. */
  | { readonly type: 'commit'; readonly path: string }
  | { readonly type: 'refuse'; readonly why: string }
  | { readonly type: 'expire' }
  | { readonly type: 'schedule' }
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'nothing' };

function sourcePath({ metadata, spec }: Snapshot): string | undefined {
  const { container, pod, podContainer } = spec.source;
  const { namespace = 'default' } = metadata;
  const query = new URLSearchParams({ reference: spec.image });
  if (spec.message !== undefined) query.set('comment', spec.message);
  if (spec.author !== undefined) query.set('author', spec.author);
  for (const change of spec.changes ?? []) query.append('changes', change);
  for (const target of spec.volumes ?? []) query.append('volumes', target);
  if (spec.keepTimes === true) query.set('keepTimes', 'true');
  if (container !== undefined && pod === undefined) {
    const base = `/apis/bayplan.dev/v1alpha1/namespaces/${namespace}/containers/${container}`;
    return `${base}/commit?${query}`;
  }
  if (pod === undefined || container !== undefined) return undefined;
  if (podContainer !== undefined) query.set('container', podContainer);
  return `/api/v1/namespaces/${namespace}/pods/${pod}/commit?${query}`;
}

/** It is of one moment: what was taken, or cannot be, is not tried again until the spec changes. */
export function plan(snapshot: Snapshot, nowMs: number): Step {
  const { metadata, spec, status } = snapshot;
  if (metadata.deletionTimestamp !== undefined) return { type: 'nothing' };
  if (spec.schedule !== undefined) return { type: 'schedule' };
  if (status?.phase === 'Ready') return afterTaken(spec.expireAfterSeconds, status, nowMs);
  const isSeen = status?.observedGeneration === metadata.generation;
  if (status?.phase === 'Failed' && isSeen) return { type: 'nothing' };
  const path = sourcePath(snapshot);
  if (path !== undefined) return { type: 'commit', path };
  return { type: 'refuse', why: 'spec.source: name a container or a pod, and not both' };
}

function afterTaken(seconds: number | undefined, status: SnapshotStatus, nowMs: number): Step {
  if (seconds === undefined || status.takenAt === undefined) return { type: 'nothing' };
  const leftMs = Date.parse(status.takenAt) + seconds * 1000 - nowMs;
  return leftMs <= 0 ? { type: 'expire' } : { type: 'wait', ms: leftMs };
}

function told(
  { metadata, status }: Snapshot,
  ready: Omit<Condition, 'type'>,
  nowMs: number,
): Pick<SnapshotStatus, 'observedGeneration' | 'conditions'> {
  const observed =
    metadata.generation === undefined ? {} : { observedGeneration: metadata.generation };
  const condition = { type: 'Ready', ...ready, ...observed };
  return {
    ...observed,
    conditions: withCondition(status?.conditions, condition, timestamp(nowMs)),
  };
}

/** The status of one that was taken on `node`. */
export function takenStatus(
  snapshot: Snapshot,
  { Digest, Size, Changed }: Committed,
  node: string,
  nowMs: number,
): SnapshotStatus {
  return {
    phase: 'Ready',
    digest: Digest,
    sizeBytes: Size,
    ...(node === '' ? {} : { node }),
    takenAt: timestamp(nowMs),
    changed: Changed,
    ...told(snapshot, { status: 'True', reason: 'Taken' }, nowMs),
  };
}

/** The status of one that could not be taken; `final`: trying again would not help. */
export function failedStatus(
  snapshot: Snapshot,
  { message, final }: { readonly message: string; readonly final: boolean },
  nowMs: number,
): SnapshotStatus {
  const reason = final ? 'Refused' : 'NotTakenYet';
  return {
    phase: final ? 'Failed' : 'Pending',
    ...told(snapshot, { status: 'False', reason, message }, nowMs),
  };
}

/** The status of one that has others taken. */
export function scheduledStatus(snapshot: Snapshot, nowMs: number): SnapshotStatus {
  const ready = { status: 'True', reason: 'Scheduled' };
  return { phase: 'Scheduled', ...told(snapshot, ready, nowMs) };
}

/** Where the image of one that goes is taken away, if it is to go, too. */
export function imagePath({ spec, status }: Snapshot): string | undefined {
  if (spec.removeImage !== true || status?.phase !== 'Ready' || !status.node) return undefined;
  const name = encodeURIComponent(spec.image);
  return `/api/v1/nodes/${status.node}/proxy/images/${name}?force=true`;
}
