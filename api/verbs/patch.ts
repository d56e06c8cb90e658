/** PATCH of an object, or of its status: merge, strategic merge and JSON patches. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { objectOr } from '#api/resources/json.ts';
import { failure, type StatusError } from '#api/resources/status.ts';
import { applyPatch, type PatchType } from '../patch/apply-patch.ts';
import { changeStored } from './change.ts';
import { decodePatch, decodePatched } from './decode.ts';
import {
  type Answer,
  type ApiContext,
  type ApiRequest,
  changedAnswer,
  storageKey,
  type Verb,
} from './request.ts';
import { attempt, attemptNow } from './task.ts';
import { type Part, revised } from './update.ts';
import { type WriteOptions, writeOptions } from './write-options.ts';

export const patch: Verb = (request, context) => patchPart(request, context, 'main');
export const patchStatus: Verb = (request, context) => patchPart(request, context, 'status');

const types: Record<string, PatchType> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
};

/** The kind of patch that the content type names; 415 for others. */
export function patchType(contentType: string): E.Either<StatusError, PatchType> {
  const type = types[contentType.split(';', 1)[0]?.trim() ?? ''];
  if (type !== undefined) return E.right(type);
  const accepted = Object.keys(types).join(', ');
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted}`;
  return E.left(failure(415, 'UnsupportedMediaType', message));
}

interface Asked {
  readonly type: PatchType;
  readonly patch: unknown;
  readonly warnings: readonly string[];
  readonly options: WriteOptions;
}

const asked = (request: ApiRequest): E.Either<StatusError, Asked> =>
  pipe(
    attemptNow(() => writeOptions(request.query)),
    E.chain((options) =>
      pipe(
        patchType(request.contentType),
        E.chain((type) =>
          pipe(
            decodePatch(request, options.fieldValidation),
            E.map((decoded) => ({ ...decoded, type, options })),
          ),
        ),
      ),
    ),
  );

function patchPart(
  request: ApiRequest,
  context: ApiContext,
  part: Part,
): TE.TaskEither<StatusError, Answer> {
  return pipe(
    asked(request),
    TE.fromEither,
    TE.chain((wanted) => attempt(() => apply(request, context, part, wanted))),
  );
}

async function apply(
  request: ApiRequest,
  context: ApiContext,
  part: Part,
  { type, patch: body, warnings: repeated, options }: Asked,
): Promise<Answer> {
  const { kind, namespace, name = '' } = request;
  const key = storageKey(kind, namespace, name);
  let warnings = repeated;
  const changed = await changeStored(
    context,
    {
      kind,
      key,
      name,
      onConflict: carriesVersion(body) ? 'fail' : 'retry',
      dryRun: options.dryRun,
    },
    (current) =>
      pipe(
        applyPatch(kind, current, body, type),
        E.chain((patched) => decodePatched(kind, patched, options.fieldValidation)),
        E.chain((decoded) => {
          warnings = [...repeated, ...decoded.warnings];
          return revised({ kind, part, object: decoded.object, current }, context);
        }),
        TE.fromEither,
      ),
  );
  return { ...changedAnswer(kind, changed), warnings };
}

/** Such a patch is meant for one state of the object alone. */
function carriesVersion(body: unknown): boolean {
  return objectOr(objectOr(body)['metadata'])['resourceVersion'] !== undefined;
}
