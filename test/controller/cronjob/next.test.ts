import t from 'tap';
import { parseSchedule } from '#api/resources/cron.ts';
import { lastDue, nextMs, wallClock } from '#controller/cronjob/next.ts';

const at = (text: string): number => Date.parse(text);
const shown = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString().slice(0, 19);

/** The next three times. */
function following(schedule: string, zone: string, after: string): (string | undefined)[] {
  const local = wallClock(zone);
  const parsed = parseSchedule(schedule);
  const times: (string | undefined)[] = [];
  let ms: number | undefined = at(after);
  for (let i = 0; i < 3 && ms !== undefined; i += 1) {
    ms = nextMs(parsed, local, ms);
    times.push(shown(ms));
  }
  return times;
}

const cases: [string, string, string, string, (string | undefined)[]][] = [
  [
    'every minute, after and not at',
    '* * * * *',
    'UTC',
    '2030-01-01T00:00:00Z',
    ['2030-01-01T00:01:00', '2030-01-01T00:02:00', '2030-01-01T00:03:00'],
  ],
  [
    'the end of a year',
    '30 23 31 12 *',
    'UTC',
    '2030-12-31T23:30:00Z',
    ['2031-12-31T23:30:00', '2032-12-31T23:30:00', '2033-12-31T23:30:00'],
  ],
  [
    'a leap day',
    '0 0 29 2 *',
    'UTC',
    '2096-03-01T00:00:00Z',
    ['2104-02-29T00:00:00', '2108-02-29T00:00:00', '2112-02-29T00:00:00'],
  ],
  ['a day that never comes', '0 0 31 2 *', 'UTC', '2030-01-01T00:00:00Z', [undefined]],
  [
    'either of two days',
    '0 0 13 * fri',
    'UTC',
    '2030-09-06T01:00:00Z',
    ['2030-09-13T00:00:00', '2030-09-20T00:00:00', '2030-09-27T00:00:00'],
  ],
  [
    'a step is a restriction',
    '0 0 */10 * mon',
    'UTC',
    '2030-01-01T01:00:00Z',
    ['2030-01-07T00:00:00', '2030-01-11T00:00:00', '2030-01-14T00:00:00'],
  ],
  [
    'another zone',
    '0 9 * * *',
    'Asia/Kolkata',
    '2030-01-01T00:00:00Z',
    ['2030-01-01T03:30:00', '2030-01-02T03:30:00', '2030-01-03T03:30:00'],
  ],
  [
    'an hour that is skipped does not come',
    '30 2 * * *',
    'Europe/Berlin',
    '2025-03-29T00:00:00Z',
    ['2025-03-29T01:30:00', '2025-03-31T00:30:00', '2025-04-01T00:30:00'],
  ],
  [
    'an hour that comes twice counts twice',
    '30 2 * * *',
    'Europe/Berlin',
    '2025-10-25T12:00:00Z',
    ['2025-10-26T00:30:00', '2025-10-26T01:30:00', '2025-10-27T01:30:00'],
  ],
  [
    'midnight that is skipped',
    '0 * * * *',
    'America/Santiago',
    '2025-09-07T02:30:00Z',
    ['2025-09-07T03:00:00', '2025-09-07T04:00:00', '2025-09-07T05:00:00'],
  ],
  [
    'days of 23 hours are left at their end',
    '0 0 1 * *',
    'Europe/Berlin',
    '2025-03-30T00:30:00Z',
    ['2025-03-31T22:00:00', '2025-04-30T22:00:00', '2025-05-31T22:00:00'],
  ],
  [
    'so often after each other',
    '@every 90s',
    'UTC',
    '2030-01-01T00:00:00Z',
    ['2030-01-01T00:01:30', '2030-01-01T00:03:00', '2030-01-01T00:04:30'],
  ],
];

for (const [what, schedule, zone, after, times] of cases) {
  t.test(what, async (t) => t.strictSame(following(schedule, zone, after), times));
}

t.test('the last time that was missed is found, however long ago the first', async (t) => {
  const since = at('2029-01-01T00:00:00Z');
  const now = at('2030-01-01T12:34:56Z');
  for (const [schedule, last, tooMany] of [
    ['* * * * *', '2030-01-01T12:34:00', true],
    ['0 * * * *', '2030-01-01T12:00:00', true],
    ['0 0 1 1 *', '2030-01-01T00:00:00', false],
    ['0-59 3 * * *', '2030-01-01T03:59:00', true],
    ['0 0 1 7 *', '2029-07-01T00:00:00', false],
    ['@every 1h', '2030-01-01T12:00:00', true],
  ] as const) {
    const due = lastDue(parseSchedule(schedule), wallClock('UTC'), since, now);
    t.strictSame([shown(due?.ms), due?.tooMany], [last, tooMany], schedule);
  }
  t.equal(lastDue(parseSchedule('0 0 31 2 *'), wallClock('UTC'), since, now), undefined);
  t.equal(lastDue(parseSchedule('0 13 * * *'), wallClock('UTC'), now, now), undefined);
});

t.test('a zone that is not known is refused', async (t) => {
  t.throws(() => wallClock('Mars/Olympus'), RangeError);
});
