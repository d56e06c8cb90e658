/** Who makes a request, however that was found out. */

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export const everybody = 'system:authenticated';

/** Who shows nothing at all. */
export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** May do everything: no rule is asked. */
export const mastersGroup = 'system:masters';

/** The extra field that names the credential itself: a certificate's hash, a token's id. */
export const credentialId = 'authentication.kubernetes.io/credential-id';

const accountPrefix = 'system:serviceaccount:';

/** The user name of a service account. */
export const accountUserName = (namespace: string, name: string): string =>
  `${accountPrefix}${namespace}:${name}`;

/** Groups of every service account of the namespace. */
export const accountGroups = (namespace: string): readonly string[] => [
  'system:serviceaccounts',
  `system:serviceaccounts:${namespace}`,
];

/** The account behind a user name; `undefined` for other users. */
export function accountOfUser(userName: string): { namespace: string; name: string } | undefined {
  if (!userName.startsWith(accountPrefix)) return undefined;
  const [namespace = '', name = '', ...more] = userName.slice(accountPrefix.length).split(':');
  if (namespace === '' || name === '' || more.length > 0) return undefined;
  return { namespace, name };
}

const nodePrefix = 'system:node:';

/** The node that the user is; `undefined` for those who are none. */
export function nodeOfUser({ name, groups }: User): string | undefined {
  if (!name.startsWith(nodePrefix) || !groups.includes('system:nodes')) return undefined;
  return name.slice(nodePrefix.length);
}

/** A user as reviews show it. */
export const userInfo = ({ name, groups, uid, extra }: User): object => ({
  username: name,
  ...(uid === undefined ? {} : { uid }),
  groups,
  ...(extra === undefined ? {} : { extra }),
});
