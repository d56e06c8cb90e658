/** Who asks: the subject of a client certificate that the cluster's authority signed. */
import type { TLSSocket } from 'node:tls';
import { failure } from '#api/resources/status.ts';

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** A connection's user does not change: looked at once. */
const users = new WeakMap<TLSSocket, User>();

const list = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

function userOf(socket: TLSSocket): User {
  if (!socket.authorized) return anonymous;
  const { subject } = socket.getPeerCertificate();
  const [name = ''] = list(subject?.CN);
  if (name === '') return anonymous;
  return { name, groups: [...list(subject?.O), 'system:authenticated'] };
}

/** The user of the connection; `anonymous` without a good certificate. */
export function authenticate(socket: TLSSocket): User {
  const known = users.get(socket);
  if (known !== undefined) return known;
  const user = userOf(socket);
  users.set(socket, user);
  return user;
}

/** Throws 401 for those who may not even ask: only health and version are open to everybody. */
export function requireUser(user: User, path: string): void {
  if (user !== anonymous || openToAll.test(path)) return;
  throw failure(401, 'Unauthorized', 'Unauthorized');
}

const openToAll = /^\/(livez|readyz|healthz|version)(\/|$)/;
