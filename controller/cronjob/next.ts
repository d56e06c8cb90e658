/** When a schedule is due, in a time zone. Pure. */
import type { Schedule } from '#api/resources/cron.ts';

/** The schedule's instants are those whose wall-clock time matches: one that is skipped never comes, one that comes twice counts twice. */
const minuteMs = 60_000;
const dayMs = 86_400_000;
/** No date comes more rarely than the 29th of February (robfig/cron gives up after five years, too; it may be eight). */
const horizonMs = 8 * 366 * dayMs;

/** Wall-clock time as milliseconds, as if it were UTC. */
export type LocalTime = (ms: number) => number;

const formatters = new Map<string, Intl.DateTimeFormat>();

/** The wall clock of the zone; undefined: that of this machine. @throws RangeError for a zone that is not known */
export function wallClock(timeZone: string | undefined): LocalTime {
  if (timeZone === undefined) return (ms) => ms - new Date(ms).getTimezoneOffset() * minuteMs;
  if (timeZone === 'UTC' || timeZone === 'Etc/UTC') return (ms) => ms;
  const formatter = formatters.get(timeZone) ?? formatterFor(timeZone);
  formatters.set(timeZone, formatter);
  // Offsets change at full quarters of an hour at most.
  const offsets = new Map<number, number>();
  return (ms) => {
    const quarter = Math.floor(ms / (15 * minuteMs));
    let offset = offsets.get(quarter);
    if (offset === undefined) {
      offset = read(formatter, quarter * 15 * minuteMs) - quarter * 15 * minuteMs;
      offsets.set(quarter, offset);
    }
    return ms + offset;
  };
}

const formatterFor = (timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });

function read(formatter: Intl.DateTimeFormat, ms: number): number {
  const [month = 1, day = 1, year = 0, hour = 0, minute = 0, second = 0] = formatter
    .format(ms)
    .split(/\D+/)
    .map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** The first instant after `afterMs` at which the schedule is due; undefined: never. */
export function nextMs(schedule: Schedule, local: LocalTime, afterMs: number): number | undefined {
  if (schedule.type === 'every') return afterMs - (afterMs % 1_000) + schedule.ms;
  let ms = afterMs - (afterMs % minuteMs) + minuteMs;
  while (ms - afterMs < horizonMs) {
    const time = new Date(local(ms));
    if (!isDay(schedule, time)) ms = nextDay(ms, local);
    else if (!schedule.hour.values.has(time.getUTCHours())) {
      ms += (60 - time.getUTCMinutes()) * minuteMs;
    } else if (!schedule.minute.values.has(time.getUTCMinutes())) ms += minuteMs;
    else return ms;
  }
  return undefined;
}

/** If both days are given, either will do. */
function isDay(schedule: Schedule & { type: 'fields' }, time: Date): boolean {
  const { day, month, weekday } = schedule;
  if (!month.values.has(time.getUTCMonth() + 1)) return false;
  const [byDate, byWeekday] = [
    day.values.has(time.getUTCDate()),
    weekday.values.has(time.getUTCDay()),
  ];
  return day.any || weekday.any ? byDate && byWeekday : byDate || byWeekday;
}

/** The first instant of the next day: a day may have 23 hours or 25. */
function nextDay(ms: number, local: LocalTime): number {
  const today = Math.floor(local(ms) / dayMs);
  let next = ms + dayMs - (local(ms) % dayMs);
  while (Math.floor(local(next) / dayMs) === today) next += 15 * minuteMs;
  while (Math.floor(local(next - 15 * minuteMs) / dayMs) > today) next -= 15 * minuteMs;
  return next;
}

export interface Due {
  /** The last time that has passed. */
  readonly ms: number;
  /** So many that nobody should try to make up for them. */
  readonly tooMany: boolean;
}

/** What was missed after `sinceMs`, up to `nowMs`; undefined: nothing. */
export function lastDue(
  schedule: Schedule,
  local: LocalTime,
  sinceMs: number,
  nowMs: number,
): Due | undefined {
  const first = nextMs(schedule, local, sinceMs);
  if (first === undefined || first > nowMs) return undefined;
  if (schedule.type === 'every') {
    const count = Math.floor((nowMs - first) / schedule.ms);
    return { ms: first + count * schedule.ms, tooMany: count >= 100 };
  }
  const second = nextMs(schedule, local, first) ?? Number.POSITIVE_INFINITY;
  const tooMany = (nowMs - first) / (second - first) + 1 > 100;
  // Back from now in steps that double, so that a long time asleep costs no more than a short one.
  let last = first;
  for (let backMs = second - first; ; backMs *= 2) {
    const from = Math.max(first, nowMs - Math.min(backMs, nowMs));
    for (let at = nextMs(schedule, local, from - 1); at !== undefined && at <= nowMs; ) {
      last = Math.max(last, at);
      at = nextMs(schedule, local, at);
    }
    if (last > first || from === first) return { ms: last, tooMany };
  }
}
