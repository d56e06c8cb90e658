/** `exec` without `--process`: the container's own process, changed by flags. Pure. */

import { UsageError } from './arguments.ts';
import type { Config } from './config/config.ts';
import type { Process } from './config/process.ts';

export const execFlags = {
  process: { kind: 'text', short: 'p' },
  detach: { kind: 'on', short: 'd' },
  tty: { kind: 'on', short: 't' },
  'console-socket': { kind: 'text' },
  'pid-file': { kind: 'text' },
  'preserve-fds': { kind: 'number' },
  user: { kind: 'text', short: 'u' },
  'additional-gids': { kind: 'texts', short: 'g' },
  env: { kind: 'texts', short: 'e' },
  cwd: { kind: 'text' },
  cap: { kind: 'texts', short: 'c' },
  'no-new-privs': { kind: 'on' },
  apparmor: { kind: 'text' },
  'process-label': { kind: 'text' },
  'ignore-paused': { kind: 'on' },
  'no-subreaper': { kind: 'on' },
} as const;

interface Flags {
  readonly tty: boolean;
  readonly user: string | undefined;
  readonly 'additional-gids': readonly string[];
  readonly env: readonly string[];
  readonly cwd: string | undefined;
  readonly cap: readonly string[];
  readonly 'no-new-privs': boolean;
  readonly apparmor: string | undefined;
  readonly 'process-label': string | undefined;
}

/** Numbers only, and such that no kernel takes for another (CVE-2024-40635, CVE-2026-30892). */
function idOf(flag: string, text: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : -1;
  if (id >= 0 && id < 2 ** 31) return id;
  const found = JSON.stringify(text);
  throw new UsageError(`--${flag}: expected a number from 0 to ${2 ** 31 - 1}, found ${found}`);
}

function userOf(text: string): { uid: number; gid?: number } {
  const [uid = '', gid, ...more] = text.split(':');
  if (more.length > 0) throw new UsageError(`--user: expected UID[:GID], found ${text}`);
  if (gid === undefined) return { uid: idOf('user', uid) };
  return { uid: idOf('user', uid), gid: idOf('user', gid) };
}

function variable(text: string): string {
  if (/^[^=\0]+=[^\0]*$/s.test(text)) return text;
  throw new UsageError(`--env: expected NAME=value, found ${JSON.stringify(text)}`);
}

function withCapabilities(base: Process, names: readonly string[]): Process['capabilities'] {
  const sets = base.capabilities ?? {};
  const added = (set: readonly string[] | null | undefined) => [
    ...new Set([...(set ?? []), ...names]),
  ];
  return {
    bounding: added(sets.bounding),
    effective: added(sets.effective),
    permitted: added(sets.permitted),
    inheritable: [...(sets.inheritable ?? [])],
    ambient: [...(sets.ambient ?? [])],
  };
}

/** @throws UsageError naming the flag that is wrong */
export function execProcess(config: Config, flags: Flags, args: readonly string[]): Process {
  const base = config.process ?? { cwd: '/' };
  if (args.length === 0) throw new UsageError('exec: expected a command, or --process FILE');
  if (flags.cwd !== undefined && !flags.cwd.startsWith('/')) {
    throw new UsageError(`--cwd: expected an absolute path, found ${JSON.stringify(flags.cwd)}`);
  }
  const more = flags['additional-gids'].flatMap((text) => text.split(','));
  const added = more.map((id) => idOf('additional-gids', id));
  return {
    ...base,
    terminal: flags.tty,
    args: [...args],
    env: [...(base.env ?? []), ...flags.env.map(variable)],
    cwd: flags.cwd ?? base.cwd,
    user: {
      ...base.user,
      ...(flags.user === undefined ? {} : userOf(flags.user)),
      ...(added.length === 0
        ? {}
        : // beside the container's own, as runc has it
          { additionalGids: [...new Set([...(base.user?.additionalGids ?? []), ...added])] }),
    },
    ...(flags.cap.length === 0 ? {} : { capabilities: withCapabilities(base, flags.cap) }),
    ...(flags['no-new-privs'] ? { noNewPrivileges: true } : {}),
    ...(flags.apparmor === undefined ? {} : { apparmorProfile: flags.apparmor }),
    ...(flags['process-label'] === undefined ? {} : { selinuxLabel: flags['process-label'] }),
  };
}
