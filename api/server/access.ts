/** Who asks, for whom, and may they: the first steps of every request. */
import type { IncomingHttpHeaders } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { parseFieldSelector } from '#api/resources/selector.ts';
import { failure, type StatusError } from '#api/resources/status.ts';
import { authenticate } from '../authentication/authentication.ts';
import { impersonated, impersonates } from '../authentication/impersonation.ts';
import type { User } from '../authentication/user.ts';
import { type Attributes, type Authorizer, refusal } from '../authorization/attributes.ts';
import { startingAuthorizer } from '../authorization/authorizer.ts';
import type { RequestInfo } from './request-info.ts';
import type { ServerState } from './state.ts';

/** The user on whose behalf the request is. Throws 401, and 403 for an impersonation that is not allowed. */
export function requester(
  { context }: ServerState,
  socket: TLSSocket,
  headers: IncomingHttpHeaders,
): User {
  const user = authenticate(socket, headers, context?.tokens);
  if (!impersonates(headers)) return user;
  const authorizer = context?.authorizer ?? startingAuthorizer;
  return impersonated(user, headers, (attributes) => check(authorizer, attributes));
}

/** Throws 403 unless the user may do what the request asks for, 503 while nobody can tell. */
export function checkAccess({ context }: ServerState, user: User, info: RequestInfo): void {
  check(context?.authorizer ?? startingAuthorizer, attributesOf(user, info));
}

const collective = new Set(['list', 'watch', 'deletecollection']);

/** The one object that a request on a collection can mean, if its field selector names it. */
function namedIn(selector: string | null): string | undefined {
  if (selector === null || !selector.includes('metadata.name')) return undefined;
  try {
    return parseFieldSelector(selector).find(
      ({ path, operator }) => path === 'metadata.name' && operator === '=',
    )?.value;
  } catch {
    return undefined; // The verb will say what is wrong with it.
  }
}

/** What a request does, in the words of authorization. */
export function attributesOf(user: User, { path, verb, target, query }: RequestInfo): Attributes {
  if (target === undefined) return { user, verb, path };
  const { group, resource, subresource } = target;
  const fieldSelector = collective.has(verb) ? query.get('fieldSelector') : null;
  const name = target.name ?? namedIn(fieldSelector);
  // A namespace counts as being in itself: who has rights in it may look at it.
  const own = resource === 'namespaces' && group === '' ? target.name : undefined;
  const namespace = target.namespace ?? own;
  return {
    user,
    // A connection is something new, whatever the method that asks for it.
    verb: connecting.has(subresource ?? '') && resource !== 'nodes' ? 'create' : verb,
    group,
    resource,
    path,
    ...(subresource === undefined ? {} : { subresource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(fieldSelector === null ? {} : { fieldSelector }),
  };
}

/** KEP-4006's fix for WebSockets, whose handshake is always a GET. */
const connecting = new Set(['exec', 'attach', 'portforward']);

/** Throws 403 unless the user may. */
export function check(authorizer: Authorizer, attributes: Attributes): void {
  const { allowed, reason } = authorizer.authorize(attributes);
  if (!allowed) throw forbidden(attributes, reason);
}

function forbidden(attributes: Attributes, reason: string): StatusError {
  const { group = '', resource, name = '' } = attributes;
  const why = `${refusal(attributes)}${reason === '' ? '' : `: ${reason}`}`;
  if (resource === undefined) return failure(403, 'Forbidden', `forbidden: ${why}`, {});
  const qualified = group === '' ? resource : `${resource}.${group}`;
  const message = `${qualified}${name === '' ? '' : ` "${name}"`} is forbidden: ${why}`;
  return failure(403, 'Forbidden', message, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: resource,
  });
}
