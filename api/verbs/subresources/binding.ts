/** POST of a Binding: `pods/{name}/binding`, and the older `bindings` collection. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { badRequest, failure, type Status } from '#api/resources/status.ts';
import { bindPod } from '../../kinds/binding.ts';
import { decodeBody } from '../../schema/decode.ts';
import type { Kind, Kinds } from '../../schema/kind.ts';
import { changeStored } from '../change.ts';
import { objectAnswer, storageKey, type Verb } from '../request.ts';
import { attempt, attemptNow } from '../task.ts';
import { writeOptions } from '../write-options.ts';

const created: Status = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  code: 201,
};

/** A built-in kind that must be there. */
export function builtIn(kinds: Kinds, apiVersion: string, name: string): Kind {
  const kind = kinds.ofObject(apiVersion, name);
  if (kind === undefined)
    throw failure(500, 'InternalError', `there is no kind ${apiVersion} ${name}`);
  return kind;
}

export const bind: Verb = (request, context) =>
  pipe(
    attemptNow(() => writeOptions(request.query)),
    E.chain(({ dryRun, fieldValidation }) =>
      pipe(
        decodeBody(
          builtIn(context.kinds, 'v1', 'Binding'),
          request.body,
          request.contentType,
          fieldValidation,
          context.kinds,
        ),
        E.map(({ object }) => ({ binding: object, dryRun })),
      ),
    ),
    TE.fromEither,
    TE.chain(({ binding, dryRun }) =>
      attempt(async () => {
        const kind = builtIn(context.kinds, 'v1', 'Pod');
        const name = request.name ?? binding.metadata.name;
        if (binding.metadata.name !== name) {
          throw badRequest('name in URL does not match name in Binding object');
        }
        const key = storageKey(kind, request.namespace, name);
        await changeStored(context, { kind, key, name, onConflict: 'retry', dryRun }, (pod) =>
          TE.fromEither(bindPod(pod, binding, context.now())),
        );
        return objectAnswer(kind, created, 201);
      }),
    ),
  );
