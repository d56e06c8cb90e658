/** The one face of the patches: the verb hands in what it has read and what was sent. */
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { isObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { badRequest, failure, type StatusError } from '#api/resources/status.ts';
import type { Kind } from '../schema/kind.ts';
import { InapplicablePatch, MalformedPatch, OversizedPatch } from './errors.ts';
import { applyJsonPatch } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import { applyStrategicPatch } from './strategic-patch.ts';

export type PatchType = 'json' | 'merge' | 'strategic';

const CONTENT_TYPES: Record<PatchType, string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

/** kube-apiserver's answer to a patch that does not fit: the reason is in the cause. */
function unprocessable(message: string): StatusError {
  return failure(422, 'Invalid', 'the server rejected our request due to an error in our request', {
    causes: [{ reason: 'UnexpectedServerResponse', message }],
  });
}

function unsupported(): StatusError {
  const types = `${CONTENT_TYPES.json}, ${CONTENT_TYPES.merge}`;
  return failure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${types}`,
  );
}

function patched(kind: Kind, current: KubeObject, patch: unknown, type: PatchType): unknown {
  if (type === 'json') return applyJsonPatch(current, patch);
  if (!isObject(patch)) throw new MalformedPatch(`a ${type} patch must be a JSON object`);
  if (type === 'merge') return applyMergePatch(current, patch);
  return applyStrategicPatch(current, patch, kind.schema);
}

/**
 * The object after the patch; `current` and `patch` are not changed. What comes out is as a client would have sent
 * it: not yet decoded, pruned, defaulted or validated. Left: 400 a malformed patch, 415 a strategic patch of a
 * custom kind (its schema has no merge keys), 413 too many operations, 422 a patch that does not fit the object.
 */
export function applyPatch(
  kind: Kind,
  current: KubeObject,
  patch: unknown,
  type: PatchType,
): Either<StatusError, KubeObject> {
  if (type === 'strategic' && kind.custom !== undefined) return left(unsupported());
  try {
    const result = patched(kind, current, patch, type);
    if (isObject(result) && isObject(result['metadata'])) return right(result as KubeObject);
    return left(badRequest(`the ${type} patch leaves no object of kind ${kind.kind}`));
  } catch (error) {
    if (error instanceof MalformedPatch) return left(badRequest(error.message));
    if (error instanceof OversizedPatch) {
      const message = `Request entity is too large: ${error.message}`;
      return left(failure(413, 'RequestEntityTooLarge', message));
    }
    if (error instanceof InapplicablePatch) return left(unprocessable(error.message));
    throw error;
  }
}
