/** PUT of `namespaces/{name}/finalize`: the namespace controller says that its part is done. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { conflict } from '#api/resources/status.ts';
import { prepareFinalize } from '../../kinds/prepare.ts';
import { changeStored } from '../change.ts';
import { decodeObject } from '../decode.ts';
import { trackedUpdate } from '../field-manager.ts';
import { changedAnswer, storageKey, type Verb } from '../request.ts';
import { attempt, attemptNow } from '../task.ts';
import { writeOptions } from '../write-options.ts';

export const finalize: Verb = (request, context) =>
  pipe(
    attemptNow(() => writeOptions(request.query)),
    E.chain((options) =>
      pipe(
        decodeObject(request, context, options.fieldValidation),
        E.map(({ object, warnings }) => ({ object, warnings, dryRun: options.dryRun })),
      ),
    ),
    TE.fromEither,
    TE.chain(({ object, warnings, dryRun }) =>
      attempt(async () => {
        const { kind, name = '' } = request;
        const { resourceVersion = '' } = object.metadata;
        const key = storageKey(kind, undefined, name);
        const onConflict = resourceVersion === '' ? 'retry' : 'fail';
        const options = { kind, key, name, onConflict, dryRun } as const;
        const changed = await changeStored(context, options, (current) =>
          resourceVersion === '' || resourceVersion === current.metadata.resourceVersion
            ? TE.right(trackedUpdate(request, context, current, prepareFinalize(object, current)))
            : TE.left(conflict(kind, name)),
        );
        return { ...changedAnswer(kind, changed), warnings };
      }),
    ),
  );
