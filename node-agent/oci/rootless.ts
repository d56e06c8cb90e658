/**
 * Containers of who has no rights on the host: an ordinary user, or root of a user namespace. All that they are built with
 * comes from a user namespace, which is entered first; what it does not give is done without, or refused by its field.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { type HeldNamespace, holdUserNamespace } from '#native/user-namespaces.ts';
import type { Config } from './config/config.ts';
import type { IdMapping, Linux } from './config/linux.ts';
import { ConfigError } from './config/problem.ts';
import type { Process } from './config/process.ts';
import { holdsCapability, isHostsRoot } from './rights.ts';

let rootless: boolean | undefined;

/** Whether we are who has no rights on the host. */
export function isRootless(): boolean {
  rootless ??= !isHostsRoot();
  return rootless;
}

/** setgroups(2) is forbidden to the processes of that one's user namespace: user_namespaces(7). */
export function forbidsGroups(pid: number | 'self'): boolean {
  try {
    return readFileSync(`/proc/${pid}/setgroups`, 'utf8').trim() === 'deny';
  } catch {
    return false; // it has ended: whoever joins it tells
  }
}

const fields = {
  uid: { field: 'uidMappings', own: () => process.geteuid?.(), capability: 'CAP_SETUID' },
  gid: { field: 'gidMappings', own: () => process.getegid?.(), capability: 'CAP_SETGID' },
} as const;
type Kind = keyof typeof fields;

const wrong = (kind: Kind, message: string): ConfigError =>
  new ConfigError('config.json', [{ path: `linux.${fields[kind].field}`, message }]);

const linesOf = (maps: readonly IdMapping[]): string =>
  maps.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');

/** Of shadow-utils, with the rights to give the ids that /etc/subuid and /etc/subgid let a user have. */
function writeByHelper(pid: number, kind: Kind, maps: readonly IdMapping[]): void {
  const helper = `new${kind}map`;
  const numbers = maps.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size]);
  try {
    execFileSync(helper, [pid, ...numbers].map(String), { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer };
    const own = `map ${fields[kind].own()} alone, which takes no help`;
    if (code === 'ENOENT') {
      throw wrong(kind, `${helper} (package uidmap) is not in PATH; install it, or ${own}`);
    }
    const said = stderr?.toString().trim().split('\n')[0] ?? code;
    throw wrong(kind, `${helper} refuses (${said}): give the ids in /etc/sub${kind}, or ${own}`);
  }
}

/** One's own id, alone, may be mapped by everybody; all that one has by who may set ids in the namespace above. */
function writeMap(pid: number, kind: Kind, maps: readonly IdMapping[]): void {
  const { own, capability } = fields[kind];
  const [only, ...more] = maps;
  const isOwn = more.length === 0 && only?.size === 1 && only.hostID === own();
  const mayAll = holdsCapability(capability);
  if (!isOwn && !mayAll) writeByHelper(pid, kind, maps);
  else writeItself(pid, kind, linesOf(maps), mayAll);
}

function writeItself(pid: number, kind: Kind, lines: string, mayAll: boolean): void {
  try {
    // Else a group that takes rights away could be left in there.
    if (kind === 'gid' && !mayAll) writeFileSync(`/proc/${pid}/setgroups`, 'deny');
    writeFileSync(`/proc/${pid}/${kind}_map`, lines);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw wrong(kind, `the kernel refuses this map: ${code}; it takes ids that we have ourselves`);
  }
}

/** Before the container: where its user namespace is, and what is forbidden in it. */
export interface Footing {
  /** A namespace made for it; none: it is joined, or already ours. */
  readonly held?: HeldNamespace;
  readonly keepsGroups: boolean;
}

function make(): HeldNamespace {
  try {
    return holdUserNamespace();
  } catch (cause) {
    const { message } = cause as Error;
    const may = 'see user.max_user_namespaces and kernel.unprivileged_userns_clone (sysctl)';
    throw new Error(`make a user namespace: ${message}; ${may}`, { cause });
  }
}

/** Without a user namespace there are no rights at all, unless we are in one already. */
function checkUser({ namespaces }: Linux): void {
  if ((namespaces ?? []).some(({ type }) => type === 'user')) return;
  if (holdsCapability('CAP_SYS_ADMIN')) return;
  const message =
    'without root a user namespace is needed (see bay oci spec --rootless); or run it as root';
  throw new ConfigError('config.json', [{ path: 'linux.namespaces', message }]);
}

/** The document that says what a process is. @throws ConfigError for groups that would silently not be there */
export function checkGroups({ user }: Process, document: string): void {
  if ((user?.additionalGids ?? []).length === 0) return;
  const message =
    'setgroups(2) is forbidden in this user namespace; it is not where newgidmap has mapped the groups';
  const problem = { path: 'process.user.additionalGids', message };
  throw new ConfigError(document, [problem]);
}

function footingOf(config: Config, held: HeldNamespace | undefined): Footing {
  const user = (config.linux?.namespaces ?? []).find(({ type }) => type === 'user');
  const [, joined] = /^\/proc\/(\d+)\/ns\/user$/.exec(user?.path ?? '') ?? [];
  const keepsGroups = forbidsGroups(held?.pid ?? (joined === undefined ? 'self' : Number(joined)));
  return { keepsGroups, ...(held === undefined ? {} : { held }) };
}

/** @throws ConfigError naming what the kernel, or newuidmap, refuses */
export async function findFooting(config: Config): Promise<Footing> {
  const linux = config.linux ?? {};
  checkUser(linux);
  const isNew = (linux.namespaces ?? []).some(({ type, path }) => type === 'user' && !path);
  if (!isNew) return footingOf(config, undefined);
  const held = make();
  try {
    writeMap(held.pid, 'uid', linux.uidMappings ?? []);
    writeMap(held.pid, 'gid', linux.gidMappings ?? []);
    return footingOf(config, held);
  } catch (error) {
    await held.release();
    throw error;
  }
}
