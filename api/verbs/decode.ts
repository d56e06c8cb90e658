/** Bodies of requests, decoded as the request's options say. */
import * as E from 'fp-ts/lib/Either.js';
import { cloneJson } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { badRequest, type StatusError } from '#api/resources/status.ts';
import {
  checkObject,
  type Decoded,
  decodeBody,
  decodeOptions,
  decodePlain,
} from '../schema/decode.ts';
import type { Kind } from '../schema/kind.ts';
import type { DeleteBody } from './delete-options.ts';
import type { ApiContext, ApiRequest } from './request.ts';
import type { FieldValidation } from './write-options.ts';

/** The object of a create or update. Left: 400, 415, 422. */
export function decodeObject(
  { kind, body, contentType }: ApiRequest,
  { kinds }: ApiContext,
  mode: FieldValidation,
): E.Either<StatusError, Decoded> {
  return decodeBody(kind, body, contentType, mode, kinds);
}

/** The patch itself; `warnings` tell of fields it names twice, which `Strict` refuses. */
export function decodePatch(
  { body, contentType }: ApiRequest,
  mode: FieldValidation,
): E.Either<StatusError, { patch: unknown; warnings: readonly string[] }> {
  return E.chain(({ value, repeated }: { value: unknown; repeated: string[] }) => {
    if (mode === 'Strict' && repeated.length > 0) {
      const why = `strict decoding error: ${repeated.join(', ')}`;
      return E.left(badRequest(`error decoding patch: ${why}`));
    }
    return E.right({ patch: value, warnings: mode === 'Ignore' ? [] : repeated });
  })(decodePlain(body, contentType));
}

/** What a patch has made, checked like a body. */
export function decodePatched(
  kind: Kind,
  object: KubeObject,
  mode: FieldValidation,
): E.Either<StatusError, Decoded> {
  // Checking prunes in place, and what the patch left alone is shared with the cache.
  return checkObject(kind, cloneJson(object), mode);
}

/** The body of a DELETE. */
export function decodeDeleteBody(
  { body, contentType }: ApiRequest,
  { kinds }: ApiContext,
): E.Either<StatusError, DeleteBody> {
  return decodeOptions(body, contentType, 'DeleteOptions', kinds);
}
