/** DELETE of an object: at once, gracefully, or when its finalizers are gone. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import type { KubeObject } from '#api/resources/meta.ts';
import { conflict, notFound, type Status } from '#api/resources/status.ts';
import { checkNamespaceDeletion } from '../admission/namespace-lifecycle.ts';
import { planDeletion } from '../kinds/deletion.ts';
import type { Kind } from '../schema/kind.ts';
import type { Entry } from '../storage/entry.ts';
import { isDefinition, terminating } from './definition.ts';
import { type DeleteOptions, deleteOptions } from './delete-options.ts';
import {
  type Answer,
  type ApiContext,
  entryAnswer,
  objectAnswer,
  storageKey,
  type Verb,
} from './request.ts';
import { served } from './served.ts';
import { type Outcome, put, remove } from './store.ts';
import { attempt } from './task.ts';

export const deleteOne: Verb = (request, context) =>
  pipe(
    deleteOptions(request, context),
    E.chain((options) => {
      const refused = checkNamespaceDeletion(request.kind, request.name ?? '');
      return refused === undefined ? E.right(options) : E.left(refused);
    }),
    TE.fromEither,
    TE.chain((options) =>
      attempt(async () => {
        const { kind, namespace, name = '' } = request;
        return deleteStored(context, kind, storageKey(kind, namespace, name), options);
      }),
    ),
  );

/** Each round loses to a writer who won. */
const rounds = 20;

/** Deletes what stands at the key. Throws 404, and 409 if it is not what the preconditions mean. */
export async function deleteStored(
  context: ApiContext,
  kind: Kind,
  key: string,
  options: DeleteOptions,
): Promise<Answer> {
  const name = key.slice(key.lastIndexOf('/') + 1);
  let entry = context.cache.get(key);
  for (let round = 0; round < rounds; round++) {
    if (entry === undefined) throw notFound(kind, name);
    const object = served(kind, entry);
    checkPreconditions(kind, object, options);
    const refused = context.guard?.({ kind, old: object });
    if (refused !== undefined) throw refused;
    const held = isDefinition(kind) ? terminating(object, context.now()) : object;
    const plan = planDeletion(kind, held, options, context.now());
    if (plan.type === 'none') return entryAnswer(kind, entry);
    if (options.dryRun)
      return dryAnswer(kind, entry, plan.type === 'update' ? plan.object : undefined);
    const outcome: Outcome =
      plan.type === 'remove'
        ? await remove(context, entry)
        : await put(context, { kind, key, object: plan.object, expectedRevision: entry.revision });
    if (outcome.written && plan.type === 'update') return entryAnswer(kind, outcome.entry);
    if (outcome.written) return removedAnswer(kind, outcome.entry);
    entry = outcome.current;
  }
  throw conflict(kind, name);
}

function checkPreconditions(
  kind: Kind,
  object: KubeObject,
  { preconditions }: DeleteOptions,
): void {
  const { uid, resourceVersion, name } = object.metadata;
  const differs = (field: string, wanted: string, is: string | undefined) =>
    conflict(
      kind,
      name,
      `Precondition failed: ${field} in precondition: ${wanted}, ${field} in object meta: ${is}`,
    );
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    throw differs('UID', preconditions.uid, uid);
  }
  const version = preconditions?.resourceVersion;
  if (version !== undefined && version !== resourceVersion) {
    throw differs('ResourceVersion', version, resourceVersion);
  }
}

/** Kinds of which a deletion gives the last state (`ReturnDeletedObject`), by `group/plural`. */
const returned = new Set([
  '/persistentvolumeclaims',
  '/persistentvolumes',
  '/pods',
  '/podtemplates',
  '/resourcequotas',
  '/serviceaccounts',
]);

function removedAnswer(kind: Kind, entry: Entry): Answer {
  if (returned.has(`${kind.group}/${kind.plural}`)) return entryAnswer(kind, entry);
  return objectAnswer(kind, success(kind, entry.object()));
}

function dryAnswer(kind: Kind, entry: Entry, marked: KubeObject | undefined): Answer {
  return marked === undefined ? removedAnswer(kind, entry) : objectAnswer(kind, marked);
}

function success(kind: Kind, { metadata: { name, uid } }: KubeObject): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name,
      ...(kind.group === '' ? {} : { group: kind.group }),
      kind: kind.plural,
      ...(uid === undefined ? {} : { uid }),
    },
    code: 200,
  };
}
