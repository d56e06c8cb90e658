/** Resource limits by the names that documents use. Pure. */

import type { WireProcess } from '#native/protocol.ts';
import type { ResourceLimit } from './settings.ts';

/** getrlimit(2), by number. */
const names = [
  'CPU',
  'FSIZE',
  'DATA',
  'STACK',
  'CORE',
  'RSS',
  'NPROC',
  'NOFILE',
  'MEMLOCK',
  'AS',
  'LOCKS',
  'SIGPENDING',
  'MSGQUEUE',
  'NICE',
  'RTPRIO',
  'RTTIME',
] as const;

const infinite = 2n ** 64n - 1n;

function wireValue(type: string, value: number | undefined): bigint {
  if (value === undefined || value === -1) return infinite;
  if (Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  throw new Error(`limit ${type}: ${value} is not a number of at least 0`);
}

/**
 * `RLIMIT_NOFILE`, or `nofile` as Docker says, to numbers; over `defaults`.
 * @throws Error for a name that is none, one that comes twice, and a soft limit over the hard one
 */
export function wireLimits(
  limits: readonly ResourceLimit[],
  defaults: WireProcess['rlimits'] = [],
): WireProcess['rlimits'] {
  const found = new Map<number, WireProcess['rlimits'][number]>();
  for (const { type, soft: softer, hard: harder } of limits) {
    const resource = (names as readonly string[]).indexOf(
      type.toUpperCase().replace(/^RLIMIT_/, ''),
    );
    if (resource < 0) throw new Error(`limit ${type} is none of ${names.join(', ')}`);
    if (found.has(resource)) throw new Error(`limit ${type} is set twice`);
    const [soft, hard] = [wireValue(type, softer), wireValue(type, harder)];
    if (soft > hard) throw new Error(`limit ${type}: the soft limit is above the hard one`);
    found.set(resource, { resource, soft, hard });
  }
  return [...defaults.filter(({ resource }) => !found.has(resource)), ...found.values()];
}
