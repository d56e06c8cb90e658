/** DELETE of a collection: every object that the selectors mean, each as a DELETE of its own. */
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { hasReason } from '#api/resources/status.ts';
import type { Kind } from '../schema/kind.ts';
import type { Entry } from '../storage/entry.ts';
import { deleteStored } from './delete.ts';
import { type DeleteOptions, deleteOptions } from './delete-options.ts';
import { type ApiContext, storageRange, type Verb } from './request.ts';
import { selectionOf } from './selection.ts';
import { attempt } from './task.ts';

/** etcd commits concurrent writes together; more than this would starve other clients. */
const concurrency = 16;

export const deleteCollection: Verb = (request, context) =>
  pipe(
    deleteOptions(request, context),
    TE.fromEither,
    TE.chain((options) =>
      attempt(async () => {
        const { kind, namespace, query } = request;
        const { entries, revision } = context.cache.list(storageRange(kind, namespace));
        const meant = entries.filter(selectionOf(kind, query).matches);
        await deleteAll(context, kind, meant, options);
        const metadata = { resourceVersion: String(revision) };
        return {
          code: 200,
          kind,
          payload: { type: 'list', entries: meant, metadata },
          warnings: [],
        };
      }),
    ),
  );

async function deleteAll(
  context: ApiContext,
  kind: Kind,
  entries: readonly Entry[],
  options: DeleteOptions,
): Promise<void> {
  const left = [...entries];
  const worker = async () => {
    for (let entry = left.shift(); entry !== undefined; entry = left.shift()) {
      try {
        await deleteStored(context, kind, entry.key, options);
      } catch (error) {
        // Somebody else deleted it: that is what was asked for.
        if (!hasReason(error, 'NotFound')) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
