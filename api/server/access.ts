/** Who asks, for whom, and may they: the first steps of every request. */
import type { IncomingHttpHeaders } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { failure, type StatusError } from '#api/resources/status.ts';
import { authenticate, requireUser, type User } from '../authentication/authentication.ts';
import { type Attributes, authorize, refusal } from '../authorization/authorization.ts';
import type { RequestInfo } from './request-info.ts';

/** The user on whose behalf the request is. Throws 401, and 403 for an impersonation that is not allowed. */
export function requester(socket: TLSSocket, headers: IncomingHttpHeaders, path: string): User {
  const user = authenticate(socket);
  requireUser(user, path);
  const name = headers['impersonate-user'];
  if (name === undefined && headers['impersonate-group'] === undefined) return user;
  return impersonated(user, headers);
}

function impersonated(user: User, headers: IncomingHttpHeaders): User {
  const name = String(headers['impersonate-user'] ?? '');
  if (name === '') throw failure(400, 'BadRequest', 'groups are impersonated without a user');
  const groups = String(headers['impersonate-group'] ?? '')
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '');
  check({ user, verb: 'impersonate', group: '', resource: 'users', name });
  for (const group of groups) {
    check({ user, verb: 'impersonate', group: '', resource: 'groups', name: group });
  }
  return { name, groups: [...new Set([...groups, 'system:authenticated'])] };
}

/** What a request does, in the words of authorization. */
export function attributesOf(user: User, { path, verb, target }: RequestInfo): Attributes {
  if (target === undefined) return { user, verb, path };
  const { group, resource, subresource, namespace, name } = target;
  return {
    user,
    verb,
    group,
    resource,
    path,
    ...(subresource === undefined ? {} : { subresource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
}

/** Throws 403 unless the user may. */
export function check(attributes: Attributes): void {
  const { allowed, reason } = authorize(attributes);
  if (!allowed) throw forbidden(attributes, reason);
}

function forbidden(attributes: Attributes, reason: string): StatusError {
  const { group = '', resource, name = '', path } = attributes;
  const why = `${refusal(attributes)}${reason === '' ? '' : `: ${reason}`}`;
  if (resource === undefined) {
    return failure(403, 'Forbidden', `forbidden: ${why}`, { ...(path ? {} : {}) });
  }
  const qualified = group === '' ? resource : `${resource}.${group}`;
  const message = `${qualified}${name === '' ? '' : ` "${name}"`} is forbidden: ${why}`;
  return failure(403, 'Forbidden', message, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: resource,
  });
}
