/** `update`: limits by flags, in the words of the runtime-spec. Pure. */

import { UsageError } from './arguments.ts';

export const updateFlags = {
  resources: { kind: 'text', short: 'r' },
  'blkio-weight': { kind: 'text' },
  'cpu-period': { kind: 'text' },
  'cpu-quota': { kind: 'text' },
  'cpu-burst': { kind: 'text' },
  'cpu-share': { kind: 'text' },
  'cpu-rt-period': { kind: 'text' },
  'cpu-rt-runtime': { kind: 'text' },
  'cpu-idle': { kind: 'text' },
  'cpuset-cpus': { kind: 'text' },
  'cpuset-mems': { kind: 'text' },
  'kernel-memory': { kind: 'text' },
  'kernel-memory-tcp': { kind: 'text' },
  memory: { kind: 'text' },
  'memory-reservation': { kind: 'text' },
  'memory-swap': { kind: 'text' },
  'pids-limit': { kind: 'text' },
} as const;

export type UpdateFlags = { readonly [Name in keyof typeof updateFlags]: string | undefined };

/** Each flag's place in `linux.resources`, and how it is read. */
const places = {
  'blkio-weight': ['blockIO', 'weight', 'number'],
  'cpu-period': ['cpu', 'period', 'number'],
  'cpu-quota': ['cpu', 'quota', 'number'],
  'cpu-burst': ['cpu', 'burst', 'number'],
  'cpu-share': ['cpu', 'shares', 'number'],
  'cpu-rt-period': ['cpu', 'realtimePeriod', 'number'],
  'cpu-rt-runtime': ['cpu', 'realtimeRuntime', 'number'],
  'cpu-idle': ['cpu', 'idle', 'number'],
  'cpuset-cpus': ['cpu', 'cpus', 'text'],
  'cpuset-mems': ['cpu', 'mems', 'text'],
  'kernel-memory': ['memory', 'kernel', 'bytes'],
  'kernel-memory-tcp': ['memory', 'kernelTCP', 'bytes'],
  memory: ['memory', 'limit', 'bytes'],
  'memory-reservation': ['memory', 'reservation', 'bytes'],
  'memory-swap': ['memory', 'swap', 'bytes'],
  'pids-limit': ['pids', 'limit', 'number'],
} as const;

const units: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

function bytesOf(flag: string, text: string): number {
  const [, digits, unit = ''] = /^(-1|\d{1,15})([bkmg]?)$/i.exec(text) ?? [];
  const factor = units[unit.toLowerCase()];
  if (digits !== undefined && factor !== undefined) return Number(digits) * factor;
  throw new UsageError(`--${flag}: expected bytes like 64m, or -1, found ${JSON.stringify(text)}`);
}

function numberOf(flag: string, text: string): number {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`--${flag}: expected a whole number, found ${JSON.stringify(text)}`);
}

/** @throws UsageError naming the flag that is wrong, or when nothing is to be changed */
export function resourcesFromFlags(flags: UpdateFlags): Record<string, Record<string, unknown>> {
  const wanted: Record<string, Record<string, unknown>> = {};
  for (const [flag, [group, field, kind]] of Object.entries(places)) {
    const text = flags[flag as keyof typeof places];
    if (text === undefined) continue;
    const value =
      kind === 'text' ? text : kind === 'bytes' ? bytesOf(flag, text) : numberOf(flag, text);
    wanted[group] = { ...wanted[group], [field]: value };
  }
  if (Object.keys(wanted).length === 0) {
    throw new UsageError('update: nothing to change; give --resources FILE or flags like --memory');
  }
  return wanted;
}
