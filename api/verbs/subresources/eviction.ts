/** POST of an Eviction: a deletion that may be refused for the sake of a workload's availability. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { objectOr } from '#api/resources/json.ts';
import type { Status } from '#api/resources/status.ts';
import { decodeBody } from '../../schema/decode.ts';
import { deleteStored } from '../delete.ts';
import { checkedOptions } from '../delete-options.ts';
import { objectAnswer, storageKey, type Verb } from '../request.ts';
import { attempt, attemptNow } from '../task.ts';
import { writeOptions } from '../write-options.ts';
import { builtIn } from './binding.ts';

const granted: Status = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  code: 201,
};

export const evict: Verb = (request, context) =>
  pipe(
    attemptNow(() => writeOptions(request.query)),
    E.chain(({ fieldValidation }) => {
      const eviction = builtIn(context.kinds, 'policy/v1', 'Eviction');
      const { body, contentType } = request;
      return decodeBody(eviction, body, contentType, fieldValidation, context.kinds);
    }),
    E.chain(({ object }) =>
      attemptNow(() => checkedOptions(objectOr(object['deleteOptions']), request.query)),
    ),
    TE.fromEither,
    TE.chain((options) =>
      attempt(async () => {
        const { kind, namespace, name = '' } = request;
        await deleteStored(context, kind, storageKey(kind, namespace, name), options);
        return objectAnswer(kind, granted, 201);
      }),
    ),
  );
