/** How Kubernetes writes spans of time for people (apimachinery `util/duration`). */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

interface Range {
  /** The range ends before this many seconds. */
  readonly until: number;
  readonly unit: number;
  readonly letter: string;
  /** The smaller unit shown beside it while it matters. */
  readonly rest?: { readonly unit: number; readonly letter: string };
}

const RANGES: readonly Range[] = [
  { until: 2 * MINUTE, unit: 1, letter: 's' },
  { until: 10 * MINUTE, unit: MINUTE, letter: 'm', rest: { unit: 1, letter: 's' } },
  { until: 3 * HOUR, unit: MINUTE, letter: 'm' },
  { until: 8 * HOUR, unit: HOUR, letter: 'h', rest: { unit: MINUTE, letter: 'm' } },
  { until: 2 * DAY, unit: HOUR, letter: 'h' },
  { until: 8 * DAY, unit: DAY, letter: 'd', rest: { unit: HOUR, letter: 'h' } },
  { until: 2 * YEAR, unit: DAY, letter: 'd' },
  { until: 8 * YEAR, unit: YEAR, letter: 'y', rest: { unit: DAY, letter: 'd' } },
  { until: Infinity, unit: YEAR, letter: 'y' },
];

/** `45s`, `3m5s`, `7h30m`, `5d`: about two figures, as in the columns of `kubectl get`. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  const range = RANGES.find(({ until }) => seconds < until) as Range;
  const whole = `${Math.floor(seconds / range.unit)}${range.letter}`;
  if (range.rest === undefined) return whole;
  const rest = Math.floor((seconds % range.unit) / range.rest.unit);
  return rest === 0 ? whole : `${whole}${rest}${range.rest.letter}`;
}

/** The time since an RFC 3339 instant; `<unknown>` where there is none, as kubectl shows it. */
export function humanAge(instant: unknown, now: Date): string {
  if (typeof instant !== 'string' || instant === '') return '<unknown>';
  const at = Date.parse(instant);
  return Number.isNaN(at) ? '<unknown>' : humanDuration(now.getTime() - at);
}
