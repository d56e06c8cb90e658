/** POST of an Eviction: a deletion that may be refused for the sake of a workload's availability. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { badRequest, failure, notFound, type Status } from '#api/resources/status.ts';
import {
  budgetsFor,
  evictedPod,
  isFree,
  needsBudget,
  withDisruption,
} from '../../kinds/disruption.ts';
import { decodeBody } from '../../schema/decode.ts';
import { changeStored } from '../change.ts';
import { deleteStored } from '../delete.ts';
import { checkedOptions, type DeleteOptions } from '../delete-options.ts';
import {
  type ApiContext,
  type ApiRequest,
  objectAnswer,
  storageKey,
  type Verb,
} from '../request.ts';
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
      attemptNow(() => {
        const { name } = object.metadata;
        if (name !== undefined && name !== '' && name !== request.name) {
          throw badRequest('name in URL does not match name in Eviction object');
        }
        return checkedOptions(objectOr(object['deleteOptions']), request.query);
      }),
    ),
    TE.fromEither,
    TE.chain((options) => attempt(() => perform(request, context, options))),
  );

async function perform(request: ApiRequest, context: ApiContext, options: DeleteOptions) {
  const { kind, namespace, name = '' } = request;
  const key = storageKey(kind, namespace, name);
  const pod = context.cache.get(key)?.object();
  if (pod === undefined) throw notFound(kind, name);
  const { dryRun } = options;
  if (needsBudget(pod)) {
    // The server's own bookkeeping: whoever may evict need not be allowed to write budgets.
    const { guard: _, ...own } = context;
    await takeFromBudget(own, pod, dryRun);
    const change = (held: KubeObject) => TE.right(evictedPod(held, context.now()));
    const how = { kind, key, name, onConflict: 'retry', dryRun } as const;
    await changeStored(own, how, change);
  }
  await deleteStored(context, kind, key, options);
  return objectAnswer(kind, granted, 201);
}

/** Throws 429 when the pod's budget has nothing left, 500 when it has several. */
async function takeFromBudget(context: ApiContext, pod: KubeObject, dryRun: boolean) {
  const { namespace = '' } = pod.metadata;
  const prefix = `/registry/poddisruptionbudgets/${namespace}/`;
  const all = context.cache.list(prefix).entries.map((entry) => entry.object());
  const [budget, second] = budgetsFor(pod, all);
  if (budget === undefined) return;
  if (second !== undefined) {
    const what =
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw failure(500, 'InternalError', what);
  }
  if (isFree(pod, budget)) return;
  const kind = builtIn(context.kinds, 'policy/v1', 'PodDisruptionBudget');
  const { name } = budget.metadata;
  const key = storageKey(kind, namespace, name);
  const options = { kind, key, name, onConflict: 'retry', dryRun } as const;
  await changeStored(context, options, (held) =>
    TE.fromEither(withDisruption(held, pod, context.now())),
  );
}
