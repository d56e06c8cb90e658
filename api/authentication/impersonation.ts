/** Asking as somebody else: the `Impersonate-*` headers, each of them a permission of its own. */
import type { IncomingHttpHeaders } from 'node:http';
import { badRequest } from '#api/resources/status.ts';
import type { Attributes } from '../authorization/attributes.ts';
import { accountGroups, accountOfUser, anonymous, everybody, type User } from './user.ts';

const extraPrefix = 'impersonate-extra-';

/** Repeated headers come as one, separated by commas. */
const listOf = (header: string | string[] | undefined): string[] =>
  (Array.isArray(header) ? header : (header ?? '').split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '');

const first = (header: string | string[] | undefined): string =>
  (Array.isArray(header) ? (header[0] ?? '') : (header ?? '')).trim();

function extraOf(headers: IncomingHttpHeaders): Record<string, readonly string[]> {
  const extra: [string, readonly string[]][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(extraPrefix)) continue;
    try {
      extra.push([decodeURIComponent(name.slice(extraPrefix.length)), listOf(value)]);
    } catch {
      throw badRequest(`the header ${name} is not validly encoded`);
    }
  }
  return Object.fromEntries(extra);
}

/** Whether the request is to be made for somebody else. */
export function impersonates(headers: IncomingHttpHeaders): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true;
  return false;
}

function target(headers: IncomingHttpHeaders): User {
  const name = first(headers['impersonate-user']);
  if (name === '') throw badRequest('groups, uids and extras are impersonated only with a user');
  const uid = first(headers['impersonate-uid']);
  const extra = extraOf(headers);
  return {
    name,
    groups: listOf(headers['impersonate-group']),
    ...(uid === '' ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

/** What the user must be allowed to do. */
function questions(user: User, { name, groups, uid, extra = {} }: User): Attributes[] {
  const ask = { user, verb: 'impersonate', group: '' };
  const special = { ...ask, group: 'authentication.k8s.io' };
  const account = accountOfUser(name);
  return [
    account === undefined
      ? { ...ask, resource: 'users', name }
      : { ...ask, resource: 'serviceaccounts', ...account },
    ...groups.map((group) => ({ ...ask, resource: 'groups', name: group })),
    ...(uid === undefined ? [] : [{ ...special, resource: 'uids', name: uid }]),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => ({
        ...special,
        resource: 'userextras',
        subresource: key,
        name: value,
      })),
    ),
  ];
}

function groupsOf({ name, groups }: User): readonly string[] {
  const account = accountOfUser(name);
  const own = groups.length === 0 && account ? accountGroups(account.namespace) : groups;
  if (name === anonymous.name) return own.length === 0 ? anonymous.groups : own;
  if (own.includes(everybody) || own.includes('system:unauthenticated')) return own;
  return [...own, everybody];
}

/** The user that the headers name, once `check` lets each of its parts pass. Throws 400 and as `check` does. */
export function impersonated(
  user: User,
  headers: IncomingHttpHeaders,
  check: (attributes: Attributes) => void,
): User {
  const wanted = target(headers);
  for (const question of questions(user, wanted)) check(question);
  return { ...wanted, groups: groupsOf(wanted) };
}
