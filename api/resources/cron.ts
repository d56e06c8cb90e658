/**
 * Cron schedules as a CronJob has them: five fields (minute, hour, day of month, month, day of week) or a descriptor
 * (`@hourly`, `@every 90m`). Grammar and messages are those of robfig/cron v3, which Kubernetes uses.
 */

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

interface Field {
  readonly values: ReadonlySet<number>;
  /** `*` or `?`: says nothing, so that of the two days only the other counts. */
  readonly any: boolean;
}

export type Schedule =
  | {
      readonly type: 'fields';
      readonly minute: Field;
      readonly hour: Field;
      readonly day: Field;
      readonly month: Field;
      readonly weekday: Field;
    }
  /** So long after each other. */
  | { readonly type: 'every'; readonly ms: number };

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const WEEKDAYS = 'sun mon tue wed thu fri sat'.split(' ');

const BOUNDS: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: WEEKDAYS },
];

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** @throws Error that says what is wrong with the text */
export function parseSchedule(text: string): Schedule {
  if (text === '') throw new Error('empty spec string');
  if (/^(CRON_)?TZ=/.test(text)) {
    throw new Error('cannot use TZ or CRON_TZ in schedule, use timeZone field instead');
  }
  if (text.startsWith('@')) return described(text);
  const words = text.trim().split(/\s+/);
  if (words.length !== BOUNDS.length) {
    throw new Error(`expected exactly 5 fields, found ${words.length}: [${words.join(' ')}]`);
  }
  const [minute, hour, day, month, weekday] = words.map((word, i) =>
    parseField(word, BOUNDS[i] as Bounds),
  ) as [Field, Field, Field, Field, Field];
  return { type: 'fields', minute, hour, day, month, weekday };
}

function described(text: string): Schedule {
  const fields = DESCRIPTORS[text];
  if (fields !== undefined) return parseSchedule(fields);
  if (!text.startsWith('@every ')) throw new Error(`unrecognized descriptor: ${text}`);
  const ms = goDurationMs(text.slice('@every '.length));
  if (ms === undefined) {
    const duration = JSON.stringify(text.slice('@every '.length));
    throw new Error(`failed to parse duration ${text}: time: invalid duration ${duration}`);
  }
  // Whole seconds, and not none.
  return { type: 'every', ms: Math.max(1_000, ms - (ms % 1_000)) };
}

const UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

function goDurationMs(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, count = '', , unit = ''] of text.matchAll(/(\d+(\.\d+)?)(h|ms|m|s)/g)) {
    ms += Number(count) * (UNITS_MS[unit] ?? 0);
  }
  return ms;
}

function parseField(text: string, bounds: Bounds): Field {
  const values = new Set<number>();
  let any = false;
  for (const part of text.split(',').filter((one) => one !== '')) {
    const range = parseRange(part, bounds);
    any ||= range.any;
    for (let value = range.from; value <= range.to; value += range.step) values.add(value);
  }
  return { values, any };
}

function parseRange(text: string, bounds: Bounds) {
  const [span = '', stepText, ...slashes] = text.split('/');
  const [low = '', high, ...hyphens] = span.split('-');
  if (slashes.length > 0) throw new Error(`too many slashes: ${text}`);
  if (hyphens.length > 0) throw new Error(`too many hyphens: ${text}`);
  const star = low === '*' || low === '?';
  const from = star ? bounds.min : numberOf(low, bounds);
  const step = stepText === undefined ? 1 : numberOf(stepText, {});
  let to = star ? bounds.max : high === undefined ? from : numberOf(high, bounds);
  // `5/15`: from 5 on, every 15.
  if (stepText !== undefined && high === undefined) to = bounds.max;
  if (from < bounds.min) {
    throw new Error(`beginning of range (${from}) below minimum (${bounds.min}): ${text}`);
  }
  if (to > bounds.max) {
    throw new Error(`end of range (${to}) above maximum (${bounds.max}): ${text}`);
  }
  if (from > to) {
    throw new Error(`beginning of range (${from}) beyond end of range (${to}): ${text}`);
  }
  if (step === 0) throw new Error(`step of range should be a positive number: ${text}`);
  return { from, to, step, any: star && step === 1 };
}

function numberOf(text: string, { names, min = 0 }: Partial<Bounds>): number {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + min;
  if (/^-\d+$/.test(text)) throw new Error(`negative number (${text}) not allowed: ${text}`);
  if (!/^\+?\d+$/.test(text)) {
    const why = `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
    throw new Error(`failed to parse int from ${text}: ${why}`);
  }
  return Number(text);
}
