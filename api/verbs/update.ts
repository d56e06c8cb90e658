/** PUT of an object, or of its status. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import type { KubeObject } from '#api/resources/meta.ts';
import { badRequest, conflict, invalid, type StatusError } from '#api/resources/status.ts';
import { admitApproval, admitPodPart, admitStatusUpdate, admitUpdate } from '../admission/admit.ts';
import type { PodPart } from '../kinds/pod-parts.ts';
import { withEntries } from '../managed-fields/update.ts';
import type { Kind } from '../schema/kind.ts';
import { admissionContext } from './admission-context.ts';
import { changeStored } from './change.ts';
import { createObject } from './create.ts';
import { decodeObject } from './decode.ts';
import { established, isDefinition } from './definition.ts';
import { trackedUpdate } from './field-manager.ts';
import { mayCreate } from './may-create.ts';
import {
  type Answer,
  type ApiContext,
  type ApiRequest,
  changedAnswer,
  storageKey,
  type Verb,
} from './request.ts';
import { attempt, attemptNow } from './task.ts';
import { updateRules } from './update-rules.ts';
import { type WriteOptions, writeOptions } from './write-options.ts';

/** What part of an object a write may touch. */
export type Part = 'main' | 'status' | 'approval' | PodPart;

export const update: Verb = (request, context) => replace(request, context, 'main');
export const updateStatus: Verb = (request, context) => replace(request, context, 'status');
export const updateApproval: Verb = (request, context) => replace(request, context, 'approval');
/** PUT on a subresource that is one part of a pod. */
export const updatePodPart =
  (part: PodPart): Verb =>
  (request, context) =>
    replace(request, context, part);

function replace(
  request: ApiRequest,
  context: ApiContext,
  part: Part,
): TE.TaskEither<StatusError, Answer> {
  return pipe(
    attemptNow(() => writeOptions(request.query)),
    E.chain((options) =>
      pipe(
        decodeObject(request, context, options.fieldValidation),
        E.chain(({ object, warnings }) =>
          pipe(
            addressed(request, object),
            E.map((right) => ({ object: right, warnings, options })),
          ),
        ),
      ),
    ),
    TE.fromEither,
    TE.chain(({ object, warnings, options }) =>
      pipe(
        write(request, context, { part, object, options }),
        TE.map((answer) => ({ ...answer, warnings })),
      ),
    ),
  );
}

/** Namespace and name of the URL; they may be left out of the object, but not differ. */
function addressed(request: ApiRequest, object: KubeObject): E.Either<StatusError, KubeObject> {
  const { kind, namespace, name = '' } = request;
  const own = object.metadata;
  if (own.name !== undefined && own.name !== '' && own.name !== name) {
    const why = `the name of the object (${own.name}) does not match the name on the URL (${name})`;
    return E.left(badRequest(why));
  }
  if (own.name === undefined || own.name === '') {
    return E.left(badRequest('the name of the object must be set: it is missing in the body'));
  }
  if (!kind.namespaced || namespace === undefined) return E.right(object);
  if (own.namespace !== undefined && own.namespace !== '' && own.namespace !== namespace) {
    const why = `the namespace of the object (${own.namespace}) does not match the namespace on the URL (${namespace})`;
    return E.left(badRequest(why));
  }
  return E.right({ ...object, metadata: { ...own, namespace } });
}

interface Replacement {
  readonly part: Part;
  readonly object: KubeObject;
  readonly options: WriteOptions;
}

function write(
  request: ApiRequest,
  context: ApiContext,
  { part, object, options }: Replacement,
): TE.TaskEither<StatusError, Answer> {
  const { kind, namespace, name = '' } = request;
  const key = storageKey(kind, namespace, name);
  const { resourceVersion = '', uid = '' } = object.metadata;
  const makes = part === 'main' && updateRules(kind).createsOnUpdate;
  if (makes && resourceVersion === '' && uid === '' && context.cache.get(key) === undefined) {
    return pipe(
      TE.fromEither(mayCreate(request, context)),
      TE.chain(() => createObject(request, context, object)),
    );
  }
  const onConflict = resourceVersion === '' ? 'retry' : 'fail';
  return attempt(async () => {
    const changed = await changeStored(
      context,
      { kind, key, name, onConflict, dryRun: options.dryRun },
      (current) =>
        pipe(
          revised({ kind, part, object, current }, context),
          E.map((next) => trackedUpdate(request, context, current, next)),
          TE.fromEither,
        ),
    );
    return changedAnswer(kind, changed);
  });
}

export interface Revision {
  readonly kind: Kind;
  readonly part: Part;
  readonly object: KubeObject;
  readonly current: KubeObject;
}

/** The object as it may replace `current`, or why not. Its managers are those it came with. */
export function revised(
  revision: Revision,
  context: ApiContext,
): E.Either<StatusError, KubeObject> {
  const { kind, object, current } = revision;
  const problem = stale(kind, object, current);
  if (problem !== undefined) return E.left(problem);
  // Managers can be as large as all the rest, and would be copied and looked through in vain.
  const unmanaged = {
    ...revision,
    object: withEntries(object, undefined),
    current: withEntries(current, undefined),
  };
  return pipe(
    admitted(unmanaged, context),
    E.map((next) => withEntries(next, object.metadata.managedFields)),
  );
}

function admitted(
  { kind, part, object, current }: Revision,
  context: ApiContext,
): E.Either<StatusError, KubeObject> {
  if (part === 'status') return admitStatusUpdate(kind, object, current);
  if (part === 'approval') return admitApproval(kind, object, current);
  const within = admissionContext(context);
  if (part !== 'main') return admitPodPart(kind, part, { object, old: current }, within);
  const updated = admitUpdate(kind, object, current, within);
  if (!isDefinition(kind)) return updated;
  return E.map((definition: KubeObject) => established(definition, context))(updated);
}

/** Whether the client means another object or another state of it. */
function stale(kind: Kind, object: KubeObject, current: KubeObject): StatusError | undefined {
  const { uid = '', resourceVersion = '', name } = object.metadata;
  if (uid !== '' && uid !== current.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`;
    return conflict(kind, name, why);
  }
  if (resourceVersion === '' || resourceVersion === '0') {
    return updateRules(kind).unconditional ? undefined : mustHaveVersion(kind, name);
  }
  return resourceVersion === current.metadata.resourceVersion ? undefined : conflict(kind, name);
}

function mustHaveVersion(kind: Kind, name: string): StatusError {
  const message = 'Invalid value: 0: must be specified for an update';
  return invalid(kind, name, [
    { reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message },
  ]);
}
