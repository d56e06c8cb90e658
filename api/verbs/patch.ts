/** PATCH of an object, or of its status: merge, strategic merge and JSON patches. `apply.ts` has the fourth kind. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { getField, isObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { failure, type StatusError } from '#api/resources/status.ts';
import type { PodPart } from '../kinds/pod-parts.ts';
import { applyPatch, type PatchType } from '../patch/apply-patch.ts';
import { applyPart, applyType, isApply } from './apply.ts';
import { changeStored } from './change.ts';
import { decodePatch, decodePatched } from './decode.ts';
import { trackedUpdate } from './field-manager.ts';
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
export const patchApproval: Verb = (request, context) => patchPart(request, context, 'approval');
/** PATCH on a subresource that is one part of a pod. */
export const patchPodPart =
  (part: PodPart): Verb =>
  (request, context) =>
    patchPart(request, context, part);

const types: Record<string, PatchType> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
};

/** The kind of patch that the content type names; 415 for others. */
export function patchType(contentType: string): E.Either<StatusError, PatchType> {
  const type = types[contentType.split(';', 1)[0]?.trim() ?? ''];
  if (type !== undefined) return E.right(type);
  const accepted = [...Object.keys(types), applyType].join(', ');
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
  if (isApply(request)) return applyPart(request, context, part);
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
        applyPatch(kind, concernsManagers(body) ? current : unmanaged(current), body, type),
        E.chain((patched) => decodePatched(kind, patched, options.fieldValidation)),
        E.chain((decoded) => {
          warnings = [...repeated, ...decoded.warnings];
          return revised({ kind, part, object: decoded.object, current }, context);
        }),
        E.map((next) => trackedUpdate(request, context, current, next)),
        TE.fromEither,
      ),
  );
  return { ...changedAnswer(kind, changed), warnings };
}

/** Whether the patch may touch `metadata.managedFields`. */
function concernsManagers(body: unknown): boolean {
  if (Array.isArray(body)) {
    return objectsOf(body).some(({ path, from }) =>
      [path, from].some((place) =>
        /^(\/metadata(\/managedFields(\/.*)?)?)?$/.test(stringOr(place)),
      ),
    );
  }
  const metadata = getField(objectOr(body), 'metadata');
  return metadata !== undefined && (!isObject(metadata) || 'managedFields' in metadata);
}

/** Without what can be as large as all the rest, and would be copied and checked in vain. */
function unmanaged(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Such a patch is meant for one state of the object alone. */
function carriesVersion(body: unknown): boolean {
  return objectOr(objectOr(body)['metadata'])['resourceVersion'] !== undefined;
}
