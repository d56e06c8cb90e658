/**
 * What a DELETE does to an object: takes it away, marks it, or nothing. The rules of `registry/rest/delete.go`,
 * `registry/generic/registry/store.go` and the pods' and namespaces' own strategies.
 */
import { cloneJson, equalJson, objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Kind } from '../schema/kind.ts';
import { timestamp } from './prepare.ts';

export type PropagationPolicy = 'Background' | 'Foreground' | 'Orphan';

export interface DeletionOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: PropagationPolicy;
  /** The older way to say Orphan (`true`) or Background (`false`). */
  readonly orphanDependents?: boolean;
}

export type Deletion =
  | { readonly type: 'remove' }
  | { readonly type: 'update'; readonly object: KubeObject }
  /** It is being deleted already, and this request changes nothing. */
  | { readonly type: 'none' };

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

/** Kinds whose dependents are orphaned unless the client says otherwise (Kubernetes keeps this from old days). */
const ORPHANED_BY_DEFAULT = ['batch/Job', '/ReplicationController'];

/**
 * How many seconds a pod has to end: what was asked for, else its own `terminationGracePeriodSeconds` (30); at once
 * if no node runs it or it has ended already.
 */
export function podDeletion(pod: KubeObject, options: DeletionOptions): number {
  const spec = objectOr(pod['spec']);
  const phase = objectOr(pod['status'])['phase'];
  const { nodeName, terminationGracePeriodSeconds: own } = spec;
  const unscheduled = nodeName === undefined || nodeName === '';
  if (unscheduled || phase === 'Failed' || phase === 'Succeeded') return 0;
  const seconds = options.gracePeriodSeconds ?? (typeof own === 'number' ? own : 30);
  return seconds < 0 ? 1 : seconds;
}

function graceOf(kind: Kind, object: KubeObject, options: DeletionOptions): number {
  return kind.group === '' && kind.kind === 'Pod' ? podDeletion(object, options) : 0;
}

function policyOf(
  kind: Kind,
  object: KubeObject,
  options: DeletionOptions,
): PropagationPolicy | undefined {
  if (options.propagationPolicy !== undefined) return options.propagationPolicy;
  if (options.orphanDependents !== undefined) {
    return options.orphanDependents ? 'Orphan' : 'Background';
  }
  const finalizers = object.metadata.finalizers ?? [];
  if (finalizers.includes(ORPHAN) || finalizers.includes(FOREGROUND)) return undefined;
  return ORPHANED_BY_DEFAULT.includes(`${kind.group}/${kind.kind}`) ? 'Orphan' : undefined;
}

/** The finalizers with which the garbage collector is told how to treat the dependents. */
function finalizersFor(object: KubeObject, policy: PropagationPolicy | undefined): string[] {
  const present = object.metadata.finalizers ?? [];
  if (policy === undefined) return present;
  const others = present.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
  if (policy === 'Orphan') return [...others, ORPHAN];
  return policy === 'Foreground' ? [...others, FOREGROUND] : others;
}

function marked(object: KubeObject, graceSeconds: number, now: Date): KubeObject {
  const copy = cloneJson(object);
  const { generation } = copy.metadata;
  copy.metadata.deletionTimestamp = timestamp(new Date(now.getTime() + graceSeconds * 1000));
  copy.metadata.deletionGracePeriodSeconds = graceSeconds;
  if (generation !== undefined && generation > 0) copy.metadata.generation = generation + 1;
  return copy;
}

/** A grace period may only become shorter; the deletion's start stays what it was. */
function shortened(object: KubeObject, seconds: number): KubeObject {
  const { deletionTimestamp = '', deletionGracePeriodSeconds: before = 0 } = object.metadata;
  const copy = cloneJson(object);
  const end = new Date(Date.parse(deletionTimestamp) + (seconds - before) * 1000);
  copy.metadata.deletionTimestamp = timestamp(end);
  copy.metadata.deletionGracePeriodSeconds = seconds;
  return copy;
}

function withFinalizers(object: KubeObject, finalizers: readonly string[]): KubeObject {
  if (equalJson(object.metadata.finalizers ?? [], finalizers)) return object;
  const copy = cloneJson(object);
  if (finalizers.length === 0) delete copy.metadata.finalizers;
  else copy.metadata.finalizers = [...finalizers];
  return copy;
}

function marking(kind: Kind, object: KubeObject, options: DeletionOptions, now: Date): KubeObject {
  const { deletionTimestamp, deletionGracePeriodSeconds: before } = object.metadata;
  const grace = graceOf(kind, object, options);
  if (deletionTimestamp === undefined) return marked(object, grace, now);
  const asked = options.gracePeriodSeconds !== undefined || grace === 0;
  return asked && before !== undefined && grace < before ? shortened(object, grace) : object;
}

/** What a DELETE with these options does now. `update` carries the object to store; nothing passed in is changed. */
export function planDeletion(
  kind: Kind,
  object: KubeObject,
  options: DeletionOptions,
  now: Date,
): Deletion {
  const finalizers = finalizersFor(object, policyOf(kind, object, options));
  const next = marking(kind, withFinalizers(object, finalizers), options, now);
  if (kind.group === '' && kind.kind === 'Namespace' && next !== object) {
    next['status'] = { ...objectOr(next['status']), phase: 'Terminating' };
  }
  if (mayBeRemoved(next)) return { type: 'remove' };
  return next === object ? { type: 'none' } : { type: 'update', object: next };
}

/** Whether nothing holds the object any more: it is marked, its grace period is 0 and no finalizer is left. */
export function mayBeRemoved(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  if (deletionTimestamp === undefined) return false;
  if (deletionGracePeriodSeconds !== 0 || finalizers.length > 0) return false;
  if (object.apiVersion !== 'v1' || object.kind !== 'Namespace') return true;
  const own = objectOr(object['spec'])['finalizers'];
  return !Array.isArray(own) || own.length === 0;
}
