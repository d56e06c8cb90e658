/** `…/scale`: the replicas of anything that has them, as one Scale. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import type { KubeObject } from '#api/resources/meta.ts';
import { conflict, notFound, type StatusError } from '#api/resources/status.ts';
import { admitUpdate } from '../../admission/admit.ts';
import { applyScale, scaleOf } from '../../kinds/scale.ts';
import { applyPatch } from '../../patch/apply-patch.ts';
import { decodeBody } from '../../schema/decode.ts';
import { isApply } from '../apply.ts';
import { changeStored } from '../change.ts';
import { decodePatch, decodePatched } from '../decode.ts';
import { trackedUpdate } from '../field-manager.ts';
import { patchType } from '../patch.ts';
import {
  type Answer,
  type ApiContext,
  type ApiRequest,
  objectAnswer,
  storageKey,
  type Verb,
} from '../request.ts';
import { served } from '../served.ts';
import { attempt, attemptNow } from '../task.ts';
import { writeOptions } from '../write-options.ts';
import { applyToScale } from './apply-scale.ts';
import { builtIn } from './binding.ts';

const scaleKind = ({ kinds }: ApiContext) => builtIn(kinds, 'autoscaling/v1', 'Scale');

export const getScale: Verb = (request, context) =>
  attempt(async () => {
    const { kind, namespace, name = '' } = request;
    const entry = context.cache.get(storageKey(kind, namespace, name));
    if (entry === undefined) throw notFound(kind, name);
    return objectAnswer(scaleKind(context), scaleOf(kind, served(kind, entry)));
  });

export const updateScale: Verb = (request, context) =>
  pipe(
    attemptNow(() => writeOptions(request.query)),
    E.chain((options) =>
      pipe(
        decodeBody(
          scaleKind(context),
          request.body,
          request.contentType,
          options.fieldValidation,
          context.kinds,
        ),
        E.map(({ object, warnings }) => ({ scale: object, warnings, dryRun: options.dryRun })),
      ),
    ),
    TE.fromEither,
    TE.chain(({ scale, warnings, dryRun }) => {
      const onConflict = scale.metadata.resourceVersion ? 'fail' : 'retry';
      return write(request, context, { dryRun, warnings, onConflict }, () => E.right(scale));
    }),
  );

export const patchScale: Verb = (request, context) =>
  isApply(request) ? applyToScale(request, context) : mergeIntoScale(request, context);

const mergeIntoScale: Verb = (request, context) =>
  pipe(
    attemptNow(() => writeOptions(request.query)),
    E.chain((options) =>
      pipe(
        E.Do,
        E.bind('type', () => patchType(request.contentType)),
        E.bind('decoded', () => decodePatch(request, options.fieldValidation)),
        E.map(({ type, decoded }) => ({ type, ...decoded, options })),
      ),
    ),
    TE.fromEither,
    TE.chain(({ type, patch, warnings, options }) => {
      const { dryRun, fieldValidation } = options;
      const kind = scaleKind(context);
      return write(request, context, { dryRun, warnings, onConflict: 'retry' }, (current) =>
        pipe(
          applyPatch(kind, current, patch, type),
          E.chain((patched) => decodePatched(kind, patched, fieldValidation)),
          E.map(({ object }) => object),
        ),
      );
    }),
  );

interface ScaleWrite {
  readonly dryRun: boolean;
  readonly warnings: readonly string[];
  readonly onConflict: 'retry' | 'fail';
}

/** Stores the replicas of the Scale that `scaled` makes of the present one. */
function write(
  request: ApiRequest,
  context: ApiContext,
  { dryRun, warnings, onConflict }: ScaleWrite,
  scaled: (current: KubeObject) => E.Either<StatusError, KubeObject>,
): TE.TaskEither<StatusError, Answer> {
  const { kind, namespace, name = '' } = request;
  const key = storageKey(kind, namespace, name);
  return attempt(async () => {
    const options = { kind, key, name, onConflict, dryRun };
    const { entry, dry } = await changeStored(context, options, (current) =>
      pipe(
        scaled(scaleOf(kind, current)),
        E.chain((scale) => applyScale(kind, current, scale)),
        E.filterOrElse(
          (next) => next.metadata.resourceVersion === current.metadata.resourceVersion,
          () => conflict(kind, name),
        ),
        E.chain((next) => admitUpdate(kind, next, current)),
        E.map((next) => trackedUpdate(request, context, current, next)),
        TE.fromEither,
      ),
    );
    const answer = objectAnswer(scaleKind(context), scaleOf(kind, dry ?? served(kind, entry)));
    return { ...answer, warnings };
  });
}
