/** Signals by number or name: `9`, `KILL`, `SIGKILL`, `RTMIN+3`. Pure. */

import { constants } from 'node:os';
import { UsageError } from './arguments.ts';

/** The first and last real-time signal that the C library leaves to programs. */
const realTime = { RTMIN: 34, RTMAX: 64 } as const;

/** @throws UsageError for what is no signal */
export function signalNumber(text: string): number {
  const number = /^\d{1,2}$/.test(text) ? Number(text) : byName(text.toUpperCase());
  if (number !== undefined && number >= 0 && number <= realTime.RTMAX) return number;
  throw new UsageError(`${JSON.stringify(text)} is no signal; give a name like TERM or a number`);
}

function byName(text: string): number | undefined {
  const name = text.replace(/^SIG/, '');
  const [, base, sign, offset] = /^(RTMIN|RTMAX)(?:([+-])(\d{1,2}))?$/.exec(name) ?? [];
  if (base === undefined) return constants.signals[`SIG${name}` as NodeJS.Signals];
  const start = realTime[base as keyof typeof realTime];
  const number = start + (sign === '-' ? -1 : 1) * Number(offset ?? 0);
  return number >= realTime.RTMIN && number <= realTime.RTMAX ? number : undefined;
}
