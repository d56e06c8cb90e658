/** A PUT or PATCH that creates needs the right to create, too: it was let in for another verb. */
import type * as E from 'fp-ts/lib/Either.js';
import { forbidden, type StatusError } from '#api/resources/status.ts';
import { refusal } from '../authorization/attributes.ts';
import type { ApiContext, ApiRequest } from './request.ts';
import { attemptNow } from './task.ts';

/** Left: 403 unless the request's user may create the object that the URL names. */
export function mayCreate(
  { kind, namespace, name = '', user }: ApiRequest,
  { authorizer }: ApiContext,
): E.Either<StatusError, undefined> {
  return attemptNow(() => {
    const place = namespace === undefined ? { name } : { namespace, name };
    const { group, plural: resource } = kind;
    const attributes = { user, verb: 'create', group, resource, ...place };
    const { allowed, reason } = authorizer.authorize(attributes);
    if (allowed) return undefined;
    const why = refusal(attributes);
    throw forbidden(kind, name, reason === '' ? why : `${why}: ${reason}`);
  });
}
