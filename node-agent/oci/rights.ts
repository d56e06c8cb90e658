/** Why something was denied to a runtime that does not have the host's rights: loaded once something was. */

import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { capabilityBits, capabilityNames } from '../container/capabilities.ts';
import { ExitError } from './globals.ts';

/** What building a container takes, whatever it is given itself. */
const needed = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_SYS_CHROOT',
  'CAP_MKNOD',
  'CAP_SYS_ADMIN',
];

/** All ids, each itself: user_namespaces(7). */
const everybody = /^\s*0\s+0\s+4294967295\s*$/;

export interface Rights {
  /** proc(5), status and uid_map. */
  readonly status: string;
  readonly uidMap: string;
}

const ours = (): Rights => ({
  status: readFileSync('/proc/self/status', 'utf8'),
  uidMap: readFileSync('/proc/self/uid_map', 'utf8'),
});

const heldIn = (status: string): bigint =>
  BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);

const holds = (status: string, name: string): boolean =>
  (capabilityBits([name]) & heldIn(status)) !== 0n;

/** In the user namespace that this process is in. */
export const holdsCapability = (name: string): boolean => holds(ours().status, name);

/** Of the machine, not of a user namespace. */
export function isHostsRoot({ status, uidMap }: Rights = ours()): boolean {
  return everybody.test(uidMap) && holds(status, 'CAP_SYS_ADMIN');
}

/** What the process has not that a container takes; undefined where it has all. */
export function missingRights({ status, uidMap }: Rights): string | undefined {
  const lacking = capabilityNames.filter((name) => needed.includes(name) && !holds(status, name));
  if (lacking.length > 0) {
    const uid = /^Uid:\s*\d+\s+(\d+)/m.exec(status)?.[1] ?? '?';
    return `user ${uid} lacks ${lacking.join(', ')}: run it as root`;
  }
  if (everybody.test(uidMap)) return;
  return "it runs as root of a user namespace, who may nothing on the host: run it as the host's root";
}

const denied: ReadonlySet<unknown> = new Set([constants.errno.EPERM, constants.errno.EACCES]);
const deniedCodes: ReadonlySet<unknown> = new Set(['EPERM', 'EACCES']);

/** What errors of Node, of the addon and of a supervisor have. */
interface Facts {
  readonly code?: unknown;
  readonly failure?: { readonly errno: number; readonly exitCode: number };
}

/** Of a program that may not be executed the image is to blame. */
const notExecutable = 126;

/** An error, or what it came of, says so itself, or a supervisor did. */
function isDenied(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, failure } = error as Facts;
  if (failure !== undefined) {
    return denied.has(failure.errno) && failure.exitCode !== notExecutable;
  }
  return deniedCodes.has(code) || isDenied(error.cause);
}

/** The same, with what the process lacks where it was denied something and lacks rights. */
export function withRights(error: unknown, rights: () => Rights = ours): unknown {
  if (!isDenied(error)) return error;
  const missing = missingRights(rights());
  if (missing === undefined) return error;
  const { message } = error as Error;
  const exitCode = error instanceof ExitError ? error.exitCode : 1;
  return new ExitError(`${message} (${missing})`, exitCode, { cause: error });
}
