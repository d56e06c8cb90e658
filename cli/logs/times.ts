/** When `bay logs` is to begin and to end, in docker's and kubectl's ways to write it. Pure. */
import { UsageError } from '../arguments.ts';

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90s`, `1h30m`, `1.5h`, `1d`; a plain number is seconds. */
function duration(text: string): number | undefined {
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/([\d.]+)(ms|s|m|h|d)/g)];
  return parts.reduce((sum, [, count, unit = 's']) => sum + Number(count) * (unitMs[unit] ?? 0), 0);
}

const dates =
  /^\d{4}-\d{2}-\d{2}(?<time>T\d{2}:\d{2}(:\d{2}([.,]\d+)?)?)?(?<zone>Z|[+-]\d{2}:\d{2})?$/;

/** A date or a time of RFC 3339, or a part of one; without a zone, of the clock here. */
function date(text: string): number | undefined {
  const groups = dates.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const { time, zone = '' } = groups;
  const whole = time === undefined ? `${text.slice(0, 10)}T00:00:00${zone}` : text;
  const at = Date.parse(whole.replace(',', '.'));
  return Number.isNaN(at) ? undefined : at;
}

/** Seconds since 1970 as docker takes them: as many digits as they have since 2001. */
const timestamp = (text: string): number | undefined =>
  /^\d{10,}(\.\d{1,9})?$/.test(text) ? Number(text) * 1_000 : undefined;

/** Milliseconds since 1970. @throws UsageError naming the flag */
export function momentOf(flag: string, text: string, nowMs: number): number {
  const ago = duration(text);
  const at = ago === undefined ? (timestamp(text) ?? date(text)) : nowMs - ago;
  if (at !== undefined) return at;
  const ways = "a duration (90s, 1h30m, 2d), a time ('2026-01-02T15:04:05Z') or seconds since 1970";
  throw new UsageError(`${flag} '${text}': write ${ways}`);
}
