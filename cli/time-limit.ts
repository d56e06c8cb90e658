/** `90s`, `5m`, `1h30m` as Go writes durations; a bare number counts seconds. */
import { UsageError } from './arguments.ts';

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds. @throws UsageError that names the flag */
export function timeLimitMs(text: string, flag: string): number {
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([all]) => all).join('') !== text) {
    throw new UsageError(`${flag} '${text}': a time such as 90s, 5m or 1h30m`);
  }
  return parts.reduce((sum, [, count, unit = 's']) => sum + Number(count) * (unitMs[unit] ?? 0), 0);
}
