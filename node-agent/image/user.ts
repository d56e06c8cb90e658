/**
 * Who a container runs as: Docker's rules for `user`, `uid`, `user:group`, `uid:gid` and the mixed forms
 * (passwd(5), group(5) of the image; numbers need not be there).
 */

import { readImageFile } from './image-file.ts';
import { ImageError } from './images.ts';

/** The most that a file of users or groups may have. */
export const accountsLimitBytes = 4 * 2 ** 20;
const MAX_ID = 2 ** 31 - 1; // as runc has it

export interface ResolvedUser {
  uid: number;
  gid: number;
  groups: number[];
  home: string;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** A number of this file's own strict kind: decimal digits only, so that nothing unreadable becomes 0, which is root. */
function id(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const number = Number(text);
  return number <= MAX_ID ? number : undefined;
}

function rows(text: string | undefined): readonly (readonly string[])[] {
  return (text ?? '').split('\n').map((line) => line.trim().split(':'));
}

function passwdEntries(text: string | undefined): readonly PasswdEntry[] {
  return rows(text).flatMap(([name, , uidText, gidText, , home]) => {
    const uid = id(uidText);
    const gid = id(gidText);
    if (!name || uid === undefined || gid === undefined) return [];
    return [{ name, uid, gid, home: home || '/' }];
  });
}

function groupEntries(text: string | undefined): readonly GroupEntry[] {
  return rows(text).flatMap(([name, , gidText, members]) => {
    const gid = id(gidText);
    if (!name || gid === undefined) return [];
    return [{ name, gid, members: (members ?? '').split(',').filter((member) => member !== '') }];
  });
}

function unknown(user: string, why: string): ImageError {
  return new ImageError('UnknownUser', `look up the user '${user}' in the image: ${why}`);
}

/**
 * `user` empty is root. Groups: those the user is a member of, unless a group was named.
 * @throws ImageError `UnknownUser` when a name is not in the image's files, or a number is out of range
 */
export async function resolveUser(layers: readonly string[], user: string): Promise<ResolvedUser> {
  const [passwd, group] = await Promise.all([
    readImageFile(layers, '/etc/passwd', accountsLimitBytes),
    readImageFile(layers, '/etc/group', accountsLimitBytes),
  ]);
  return findUser(user, passwd, group);
}

/** The same by the texts of the two files. */
export function findUser(
  user: string,
  passwdText: string | undefined,
  groupText: string | undefined,
): ResolvedUser {
  const passwd = passwdEntries(passwdText);
  const groups = groupEntries(groupText);
  const colon = user.indexOf(':');
  const userPart = (colon === -1 ? user : user.slice(0, colon)) || '0';
  const groupPart = colon === -1 ? '' : user.slice(colon + 1);
  const number = id(userPart);
  const entry = passwd.find(({ name, uid }) => name === userPart || uid === number);
  const uid = entry?.uid ?? number;
  if (uid === undefined) {
    const isNumber = /^[-+]?\d+$/.test(userPart);
    throw unknown(
      user,
      isNumber ? `${userPart} is not between 0 and ${MAX_ID}` : `/etc/passwd has no '${userPart}'`,
    );
  }
  const home = entry?.home ?? '/';
  if (groupPart !== '') return { uid, gid: findGroup(user, groupPart, groups), groups: [], home };
  const memberships = groups.filter(({ members }) => entry && members.includes(entry.name));
  return { uid, gid: entry?.gid ?? 0, groups: memberships.map(({ gid }) => gid), home };
}

function findGroup(user: string, groupPart: string, groups: readonly GroupEntry[]): number {
  const number = id(groupPart);
  const gid = groups.find(({ name, gid }) => name === groupPart || gid === number)?.gid ?? number;
  if (gid !== undefined) return gid;
  throw unknown(user, `/etc/group has no '${groupPart}'`);
}
