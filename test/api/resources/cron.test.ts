import t from 'tap';
import { parseSchedule } from '#api/resources/cron.ts';

const numbers = (text: string) => {
  const schedule = parseSchedule(text);
  if (schedule.type === 'every') return schedule.ms;
  const { minute, hour, day, month, weekday } = schedule;
  return [minute, hour, day, month, weekday].map(({ values, any }) =>
    any ? '*' : [...values].sort((a, b) => a - b).join(),
  );
};

for (const [text, expected] of [
  ['* * * * *', ['*', '*', '*', '*', '*']],
  ['? * ? * *', ['*', '*', '*', '*', '*']],
  ['5 4 1 JAN sun', ['5', '4', '1', '1', '0']],
  ['*/20 1-3 1,15 * Mon-Fri', ['0,20,40', '1,2,3', '1,15', '*', '1,2,3,4,5']],
  ['7/25 0-23/12 * 2/5 *', ['7,32,57', '0,12', '*', '2,7,12', '*']],
  ['@daily', ['0', '0', '*', '*', '*']],
  ['@weekly', ['0', '0', '*', '*', '0']],
  ['@yearly', ['0', '0', '1', '1', '*']],
  ['@every 1h30m', 5_400_000],
  ['@every 1.5s', 1_000],
  ['@every 10ms', 1_000],
] as const) {
  t.test(`read: ${text}`, async (t) => t.strictSame(numbers(text), expected));
}

for (const [text, message] of [
  ['', 'empty spec string'],
  ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['* * * * 7', 'end of range (7) above maximum (6): 7'],
  ['5-3 * * * *', 'beginning of range (5) beyond end of range (3): 5-3'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
  ['@often', 'unrecognized descriptor: @often'],
  ['@every soon', 'failed to parse duration @every soon: time: invalid duration "soon"'],
  ['TZ=UTC * * * * *', 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'],
] as const) {
  t.test(`refused: ${text}`, async (t) => t.throws(() => parseSchedule(text), { message }));
}
