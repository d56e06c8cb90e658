/** How `bay logs --since` and `--until` are written. */
import t from 'tap';
import { UsageError } from '#cli/arguments.ts';
import { momentOf } from '#cli/logs/times.ts';

const now = Date.parse('2026-05-01T12:00:00Z');
const here = (text: string) => new Date(text).getTime();

t.test('durations, times and seconds since 1970', async (t) => {
  const cases: Readonly<Record<string, number>> = {
    '90s': now - 90_000,
    '1h30m': now - 5_400_000,
    '1.5h': now - 5_400_000,
    '500ms': now - 500,
    '2d': now - 172_800_000,
    '10': now - 10_000,
    '0': now,
    '1767323045': 1_767_323_045_000,
    '1767323045.5': 1_767_323_045_500,
    '2026-01-02T03:04:05Z': Date.UTC(2026, 0, 2, 3, 4, 5),
    '2026-01-02T03:04:05.25+01:00': Date.UTC(2026, 0, 2, 2, 4, 5, 250),
    '2026-01-02Z': Date.UTC(2026, 0, 2),
    '2026-01-02': here('2026-01-02T00:00:00'),
    '2026-01-02T03:04': here('2026-01-02T03:04:00'),
  };
  for (const [text, expected] of Object.entries(cases)) {
    t.equal(momentOf('--since', text, now), expected, text);
  }
  for (const text of ['', 'yesterday', '-1h', '1x', '1h2', '2026-13-01', '2026-1-2', '12:00']) {
    t.throws(() => momentOf('--until', text, now), UsageError, text);
  }
  t.throws(() => momentOf('--until', 'soon', now), /--until 'soon': write a duration/);
});
