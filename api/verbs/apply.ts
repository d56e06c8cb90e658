/** PATCH with `application/apply-patch+yaml`: server-side apply. What is not there yet is created. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { isObject, type JsonObject, objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import {
  badRequest,
  conflict,
  hasReason,
  notFound,
  type StatusError,
} from '#api/resources/status.ts';
import { type Applied, applyConfiguration } from '../managed-fields/apply.ts';
import { type Writer, withEntries } from '../managed-fields/update.ts';
import { versionsOf } from '../managed-fields/versions.ts';
import { decodePlain } from '../schema/decode.ts';
import { type ApplyOptions, applyOptions } from './apply-options.ts';
import { changeStored } from './change.ts';
import { createObject } from './create.ts';
import { writerOf } from './field-manager.ts';
import { mayCreate } from './may-create.ts';
import {
  type Answer,
  type ApiContext,
  type ApiRequest,
  type Changed,
  changedAnswer,
  storageKey,
} from './request.ts';
import { attempt, attemptNow, orThrow } from './task.ts';
import { type Part, revised } from './update.ts';

export const applyType = 'application/apply-patch+yaml';

/** Whether a PATCH applies a configuration. */
export const isApply = ({ contentType }: ApiRequest): boolean =>
  contentType.split(';', 1)[0]?.trim() === applyType;

/** A decoded request to apply. */
export interface Applying {
  readonly applied: JsonObject;
  readonly options: ApplyOptions;
  readonly writer: Writer;
  readonly warnings: readonly string[];
}

/** Left: 400 for a body that is no configuration, 422 for wrong options. */
export const applying = (
  request: ApiRequest,
  context: ApiContext,
): E.Either<StatusError, Applying> =>
  pipe(
    attemptNow(() => applyOptions(request.query)),
    E.chain((options) =>
      pipe(
        configuration(request, options),
        E.map((decoded) => ({ ...decoded, options, writer: writerOf(request, context) })),
      ),
    ),
  );

export function applyPart(
  request: ApiRequest,
  context: ApiContext,
  part: Part,
): TE.TaskEither<StatusError, Answer> {
  return pipe(
    applying(request, context),
    TE.fromEither,
    TE.chain((wanted) =>
      pipe(
        attempt(() => settle(request, context, part, wanted)),
        TE.map((answer) => ({ ...answer, warnings: wanted.warnings })),
      ),
    ),
  );
}

/** YAML or JSON, which is YAML but read a hundred times faster. */
function configuration(
  { body }: ApiRequest,
  { fieldValidation }: ApplyOptions,
): E.Either<StatusError, { applied: JsonObject; warnings: readonly string[] }> {
  const json = body.subarray(0, 64).toString('latin1').trimStart().startsWith('{');
  const asJson = json ? decodePlain(body, 'application/json') : undefined;
  // A flow mapping of YAML looks like JSON, too.
  const decoded = asJson === undefined || E.isLeft(asJson) ? decodePlain(body, applyType) : asJson;
  return E.chain(({ value, repeated }: { value: unknown; repeated: string[] }) => {
    if (!isObject(value)) {
      return E.left(badRequest('error decoding YAML: the configuration must be an object'));
    }
    if (fieldValidation === 'Strict' && repeated.length > 0) {
      return E.left(badRequest(`error strict decoding YAML: ${repeated.join(', ')}`));
    }
    return E.right({ applied: value, warnings: fieldValidation === 'Ignore' ? [] : repeated });
  })(decoded);
}

/** Somebody else may create or delete the object meanwhile, and will not do so for ever. */
const attempts = 5;

async function settle(
  request: ApiRequest,
  context: ApiContext,
  part: Part,
  wanted: Applying,
): Promise<Answer> {
  const { kind, namespace, name = '' } = request;
  const key = storageKey(kind, namespace, name);
  for (let attempt = 1; ; attempt++) {
    const there = part !== 'main' || context.cache.get(key) !== undefined;
    try {
      if (!there) return orThrow(await create(request, context, wanted)());
      return changedAnswer(kind, await changeApplied(request, context, part, wanted));
    } catch (error) {
      const raced = part === 'main' && hasReason(error, there ? 'NotFound' : 'AlreadyExists');
      if (!raced || attempt === attempts) throw error;
    }
  }
}

/** Applies to the object that is there. Throws 404, 409 and what the configuration is refused for. */
export async function changeApplied(
  request: ApiRequest,
  context: ApiContext,
  part: Part,
  { applied, options, writer }: Applying,
): Promise<Changed> {
  const { kind, namespace, name = '' } = request;
  const key = storageKey(kind, namespace, name);
  const versioned = objectOr(applied['metadata'])['resourceVersion'] !== undefined;
  const onConflict = versioned ? 'fail' : 'retry';
  const versions = versionsOf(context.kinds);
  const { force, dryRun } = options;
  return changeStored(context, { kind, key, name, onConflict, dryRun }, (current) =>
    pipe(
      applyConfiguration({ kind, live: current, applied, writer, force, versions }),
      E.chain(({ object, entries }) =>
        pipe(
          named(request, object),
          E.chain((right) => revised({ kind, part, object: right, current }, context)),
          E.map((next) => withEntries(next, entries)),
        ),
      ),
      TE.fromEither,
    ),
  );
}

function create(
  request: ApiRequest,
  context: ApiContext,
  { applied, options, writer }: Applying,
): TE.TaskEither<StatusError, Answer> {
  const { kind, name = '' } = request;
  const versions = versionsOf(context.kinds);
  const application = { kind, live: undefined, applied, writer, force: options.force, versions };
  return pipe(
    mayCreate(request, context),
    E.chain(() => applyConfiguration(application)),
    E.chain(({ object, entries }: Applied) =>
      pipe(
        named(request, object),
        E.filterOrElse(
          ({ metadata }) => !metadata.uid,
          ({ metadata }) =>
            conflict(
              kind,
              name,
              `uid mismatch: the provided object specified uid ${metadata.uid}, and no existing object was found`,
            ),
        ),
        E.filterOrElse(
          ({ metadata }) => !metadata.resourceVersion,
          () => notFound(kind, name),
        ),
        E.map((right) => ({ object: right, entries })),
      ),
    ),
    TE.fromEither,
    TE.chain(({ object, entries }) =>
      createObject(request, context, object, (_request, _context, prepared) =>
        withEntries(prepared, entries),
      ),
    ),
  );
}

/** The object with the namespace of the URL, which must name it. */
function named(
  { kind, namespace, name = '' }: ApiRequest,
  object: KubeObject,
): E.Either<StatusError, KubeObject> {
  const own = object.metadata;
  if (stringOr(own.name) !== name) {
    const why = `the name of the object (${stringOr(own.name)}) does not match the name on the URL (${name})`;
    return E.left(badRequest(why));
  }
  if (!kind.namespaced || namespace === undefined) return E.right(object);
  if (stringOr(own.namespace) !== '' && own.namespace !== namespace) {
    const why =
      'the namespace of the provided object does not match the namespace sent on the request';
    return E.left(badRequest(why));
  }
  return E.right({ ...object, metadata: { ...own, namespace } });
}
