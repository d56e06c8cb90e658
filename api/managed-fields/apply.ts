/**
 * Server-side apply: lays a configuration over an object, removes what its applier has left out since the last time,
 * and keeps count of who owns what. (sigs.k8s.io/structured-merge-diff `merge.Updater`, apimachinery managedfields)
 */
import * as E from 'fp-ts/lib/Either.js';
import { cloneJson, isObject, type JsonObject } from '#api/resources/json.ts';
import { apiVersionOf, type KubeObject, type ManagedFieldsEntry } from '#api/resources/meta.ts';
import { badRequest, failure, type StatusError } from '#api/resources/status.ts';
import { timestamp } from '../kinds/prepare.ts';
import { checkObject } from '../schema/decode.ts';
import type { Kind } from '../schema/kind.ts';
import { configurationProblems } from './check.ts';
import { type Changes, released } from './compare.ts';
import { applyConflict, type Conflict, conflictsWithout } from './conflicts.ts';
import { difference, type FieldSet, intersection, isEmpty, sorted, union } from './field-set.ts';
import { isKubectl, lastAppliedFields, withLastApplied } from './last-applied.ts';
import { entriesOf, isSame, type Manager, storedManagers } from './managers.ts';
import { mergeApplied } from './merge.ts';
import { Unkeyable } from './path-element.ts';
import { pruned } from './prune.ts';
import { fieldSetOf } from './set-of.ts';
import {
  changesOf,
  identityOf,
  isTracked,
  isTrackedMeta,
  type Writer,
  withEntries,
} from './update.ts';
import { compareAt, differ, type Versions } from './versions.ts';

export interface Application {
  readonly kind: Kind;
  /** `undefined`: the object is to be created. */
  readonly live: KubeObject | undefined;
  /** The configuration as it was sent: checked by nobody yet. */
  readonly applied: JsonObject;
  readonly writer: Writer;
  /** Takes fields that others own instead of failing. */
  readonly force: boolean;
  readonly versions: Versions;
}

export interface Applied {
  /** As a client would send it in a PUT: not yet defaulted, admitted or validated; without `managedFields`. */
  readonly object: KubeObject;
  /** To be set when all that is done. */
  readonly entries: ManagedFieldsEntry[] | undefined;
}

/** Left: 400 a configuration that the kind's schema cannot take, 409 conflicts with other managers. */
export function applyConfiguration(application: Application): E.Either<StatusError, Applied> {
  try {
    return apply(application);
  } catch (error) {
    if (error instanceof RangeError) return E.left(badRequest('json: exceeded max depth'));
    if (!(error instanceof Unkeyable)) throw error;
    const message = `the lists of the object cannot be merged: ${error.message}`;
    return E.left(failure(422, 'Invalid', message));
  }
}

function apply(application: Application): E.Either<StatusError, Applied> {
  const { kind, live, applied } = application;
  const refused = problemWith(application);
  if (refused !== undefined) return E.left(refused);
  const fields = appliedFields(application);
  const state = stateOf(application);
  const last = state.own?.fields ?? {};
  const base = live === undefined ? blankOf(kind) : withEntries(live, undefined);
  const merged = mergeApplied(kind.schema, base, applied);
  const samePaths = state.own === undefined || hasSamePaths(application, state.own);
  const owned = state.others
    .filter((manager) => hasSamePaths(application, manager))
    .reduce((all, manager) => union(all, manager.fields), fields);
  const kept = samePaths ? pruned(kind.schema, merged, last, owned) : merged;
  return E.chain(({ object }: { object: KubeObject }) =>
    settle(application, state, fields, object),
  )(checkObject(kind, cloneJson(kept) as KubeObject, 'Ignore'));
}

const blankOf = (kind: Kind): JsonObject => ({ apiVersion: apiVersionOf(kind), kind: kind.kind });

function problemWith({ kind, live, applied }: Application): StatusError | undefined {
  const { apiVersion, kind: name, metadata } = applied;
  if (name !== kind.kind || apiVersion !== apiVersionOf(kind)) {
    return badRequest(`invalid object type: ${apiVersion ?? ''}, Kind=${name ?? ''}`);
  }
  const meta = isObject(metadata) ? metadata : {};
  if (meta['managedFields'] !== undefined && meta['managedFields'] !== null) {
    return badRequest('metadata.managedFields must be nil');
  }
  const problems = configurationProblems(kind.schema, applied);
  if (problems.length === 0) return undefined;
  const { namespace = '', name: own = '' } = live?.metadata ?? meta;
  const what = `${namespace}/${own}; ${apiVersionOf(kind)}, Kind=${kind.kind}`;
  const why = problems.length === 1 ? problems[0] : ['errors:', ...problems].join('\n  ');
  return badRequest(`failed to create typed patch object (${what}): ${why}`);
}

/** What the applier will own: the configuration's fields that this part of the object has. */
function appliedFields({ kind, applied, writer }: Application): FieldSet {
  const tracked = Object.entries(applied)
    .filter(([name]) => isTracked(kind, writer.subresource, name))
    .map(([name, value]) => [
      name,
      name === 'metadata' && isObject(value)
        ? Object.fromEntries(Object.entries(value).filter(([field]) => isTrackedMeta(field)))
        : value,
    ]);
  // Metadata alone is nothing to own.
  const { 'f:metadata': meta, ...rest } = fieldSetOf(kind.schema, Object.fromEntries(tracked));
  return sorted(meta === undefined || isEmpty(meta) ? rest : { ...rest, 'f:metadata': meta });
}

interface State {
  /** The applier's entry of last time. */
  readonly own: Manager | undefined;
  readonly others: readonly Manager[];
}

function stateOf(application: Application): State {
  const { kind, writer } = application;
  const own = identityOf(kind, writer, 'Apply');
  const managers = managersOf(application);
  return {
    own: managers.find((manager) => isSame(manager, own)),
    others: managers.filter((manager) => !isSame(manager, own)),
  };
}

/** The object's managers; one that stands for all before, if nobody has kept count so far. */
function managersOf({ kind, live, writer }: Application): Manager[] {
  const stored = storedManagers(live);
  if (stored.length > 0 || live === undefined) return stored;
  const changes = changesOf(kind, undefined, live, writer);
  if (changes === undefined || changes === 'unknown' || changes.changed === undefined) return [];
  const before = { ...writer, manager: 'before-first-apply' };
  const fields = changes.changed;
  return [{ ...identityOf(kind, before, 'Update'), time: timestamp(writer.now), fields }];
}

/** Whether the manager's fields have the names that they have in the version applied. */
function hasSamePaths({ kind, versions }: Application, manager: Manager): boolean {
  if (manager.apiVersion === apiVersionOf(kind)) return true;
  const other = versions(manager.apiVersion, kind.kind);
  return other !== undefined && !differ(kind, other);
}

/** Finds the conflicts, and who owns what after the configuration is applied. */
function settle(
  application: Application,
  { own, others }: State,
  fields: FieldSet,
  object: KubeObject,
): E.Either<StatusError, Applied> {
  const { kind, live, applied, writer, force, versions } = application;
  const found = changesOf(kind, live, object, writer);
  const changes = found === 'unknown' ? undefined : found;
  const after: Manager[] = [];
  const conflicts: Conflict[] = [];
  for (const manager of others) {
    const theirs = compareAt(versions, manager.apiVersion, { kind, live, next: object, changes });
    if (theirs === 'not served') continue;
    const wanted = wantedOf(manager, theirs);
    if (!isEmpty(wanted)) conflicts.push({ manager, fields: wanted });
    const rest = theirs === undefined ? manager.fields : released(manager.fields, theirs);
    after.push(rest === manager.fields ? manager : { ...manager, fields: rest });
  }
  const refused = force ? undefined : refusal(application, conflicts);
  if (refused !== undefined) return E.left(refused);
  after.push(ownAfter(application, own, fields, changes !== undefined));
  const result = isKubectl(writer.manager) ? withLastApplied(object, applied) : object;
  return E.right({ object: result, entries: entriesOf(after) });
}

const wantedOf = (manager: Manager, changes: Changes | undefined): FieldSet =>
  changes?.changed === undefined ? {} : intersection(manager.fields, changes.changed);

function refusal(
  { kind, live, writer }: Application,
  conflicts: readonly Conflict[],
): StatusError | undefined {
  if (conflicts.length === 0) return undefined;
  if (!isKubectl(writer.manager) || live === undefined) return applyConflict(conflicts);
  const left = conflictsWithout(conflicts, lastAppliedFields(kind, live));
  return left.length === 0 ? undefined : applyConflict(left);
}

/** The applier's entry; its time tells of the last application that changed anything. */
function ownAfter(
  { kind, writer }: Application,
  own: Manager | undefined,
  fields: FieldSet,
  changed: boolean,
): Manager {
  const identity = identityOf(kind, writer, 'Apply');
  const same =
    !changed &&
    own !== undefined &&
    own.apiVersion === identity.apiVersion &&
    isEmpty(difference(fields, own.fields)) &&
    isEmpty(difference(own.fields, fields));
  return { ...identity, time: same ? own.time : timestamp(writer.now), fields };
}
