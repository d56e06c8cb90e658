/** POST to a collection. */
import { randomUUID } from 'node:crypto';
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import type { KubeObject } from '#api/resources/meta.ts';
import { generateName } from '#api/resources/names.ts';
import { alreadyExists, badRequest, type StatusError } from '#api/resources/status.ts';
import { admitPrepared } from '../admission/admit.ts';
import { prepareCreate } from '../kinds/prepare.ts';
import type { Kind } from '../schema/kind.ts';
import { admissionContext } from './admission-context.ts';
import { decodeObject } from './decode.ts';
import { defaultAccountComing } from './default-account.ts';
import { established, isDefinition } from './definition.ts';
import { trackedCreate } from './field-manager.ts';
import {
  type Answer,
  type ApiContext,
  type ApiRequest,
  entryAnswer,
  objectAnswer,
  storageKey,
  type Verb,
} from './request.ts';
import { withReserved } from './reserve.ts';
import { put } from './store.ts';
import { attempt, attemptNow } from './task.ts';
import { writeOptions } from './write-options.ts';

/** Kubernetes tries as often to find a generated name that is free. */
const nameAttempts = 8;

export const create: Verb = (request, context) =>
  pipe(
    attemptNow(() => writeOptions(request.query)),
    E.chain(({ fieldValidation }) => decodeObject(request, context, fieldValidation)),
    E.chain(({ object, warnings }) =>
      pipe(
        placed(request, object),
        E.map((inPlace) => ({ object: inPlace, warnings })),
      ),
    ),
    TE.fromEither,
    TE.chain(({ object, warnings }) =>
      pipe(
        createObject(request, context, object),
        TE.map((answer) => ({ ...answer, warnings })),
      ),
    ),
  );

/**
 * Prepares, admits and stores an object whose namespace is right; the answer is 201 with what stands in the store.
 * `owned` says who owns its fields: what admission adds belongs to nobody.
 */
export function createObject(
  request: ApiRequest,
  context: ApiContext,
  object: KubeObject,
  owned = trackedCreate,
): TE.TaskEither<StatusError, Answer> {
  const coming = defaultAccountComing(request.kind, object, context);
  const made = () =>
    admitted(request, context, owned(request, context, prepared(request, object, context)));
  return coming === undefined
    ? made()
    : pipe(
        attempt(() => coming),
        TE.chain(made),
      );
}

function admitted(
  request: ApiRequest,
  context: ApiContext,
  object: KubeObject,
): TE.TaskEither<StatusError, Answer> {
  const { kind, query } = request;
  return pipe(
    admitPrepared(kind, object, admissionContext(context)),
    E.map((whole) => (isDefinition(kind) ? established(whole, context) : whole)),
    E.chain((whole) => {
      const refused = context.guard?.({ kind, object: whole });
      return refused === undefined ? E.right(whole) : E.left(refused);
    }),
    TE.fromEither,
    TE.chain((whole) =>
      attempt(() => storeReserved(kind, whole, context, writeOptions(query).dryRun)),
    ),
  );
}

/** The namespace of the URL is the object's; a name in the URL (create on update) must be its name. */
function placed(request: ApiRequest, object: KubeObject): E.Either<StatusError, KubeObject> {
  const { kind, namespace } = request;
  const own = object.metadata.namespace ?? '';
  const { namespace: _, ...metadata } = object.metadata;
  if (!kind.namespaced) return E.right(own === '' ? { ...object, metadata } : object);
  if (namespace === undefined) {
    return E.left(badRequest('an empty namespace may not be set during creation'));
  }
  if (own !== '' && own !== namespace) {
    const why =
      'the namespace of the provided object does not match the namespace sent on the request';
    return E.left(badRequest(why));
  }
  return E.right({ ...object, metadata: { ...object.metadata, namespace } });
}

function prepared({ kind, user }: ApiRequest, object: KubeObject, context: ApiContext): KubeObject {
  const { name, generateName: base } = object.metadata;
  const named = name || (base ? generateName(base) : '');
  return prepareCreate(kind, object, { uid: randomUUID(), now: context.now(), name: named, user });
}

/** With a generated name that is taken, the next try is another object: it needs its own address. */
async function storeReserved(
  kind: Kind,
  whole: KubeObject,
  context: ApiContext,
  dryRun: boolean,
): Promise<Answer> {
  const { generateName: base } = whole.metadata;
  let candidate = whole;
  for (let attempts = 1; ; attempts++) {
    const answer = await withReserved(context, { kind, object: candidate, dryRun }, (object) =>
      dryRun ? dryAnswer(kind, object, context) : store(kind, object, context),
    );
    if (answer !== undefined) return answer;
    const { name } = candidate.metadata;
    const generated = base !== undefined && name.startsWith(base) && name !== base;
    if (!generated || attempts === nameAttempts) throw alreadyExists(kind, name);
    candidate = { ...whole, metadata: { ...whole.metadata, name: generateName(base) } };
  }
}

async function dryAnswer(
  kind: Kind,
  object: KubeObject,
  { cache }: ApiContext,
): Promise<Answer | undefined> {
  const { namespace, name } = object.metadata;
  if (cache.get(storageKey(kind, namespace, name)) !== undefined) return undefined;
  return objectAnswer(kind, object, 201);
}

/** `undefined` if the name is taken. */
async function store(
  kind: Kind,
  object: KubeObject,
  context: ApiContext,
): Promise<Answer | undefined> {
  const key = storageKey(kind, object.metadata.namespace, object.metadata.name);
  const outcome = await put(context, { kind, key, object, expectedRevision: 0 });
  return outcome.written ? entryAnswer(kind, outcome.entry, 201) : undefined;
}
