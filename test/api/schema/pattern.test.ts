import t from 'tap';
import { compilePattern } from '#api/schema/pattern.ts';

/** Pattern, texts it takes, texts it does not. */
const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['^a{2,4}$', ['aa', 'aaaa'], ['a', 'aaaaa']],
  ['^a{3}$', ['aaa'], ['aa', 'aaaa']],
  ['^a{2,}$', ['aa', 'aaaaaaa'], ['a']],
  ['^(ab){0,2}c$', ['c', 'abc', 'ababc'], ['abababc']],
  [
    '^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$',
    ['a', 'a-b', `a${'b'.repeat(62)}`],
    ['-a', `a${'b'.repeat(63)}`],
  ],
  ['^(?P<x>a|b){2}$', ['ab'], ['a', 'abc']],
  ['^(?i)abc$'.replace('^(?i)', '(?i)^'), ['ABC', 'abc'], ['abd']],
  ['^\\d{1,3}(\\.\\d{1,3}){3}$', ['10.0.0.1'], ['10.0.0', '1000.0.0.1']],
  ['^[^]]{2}$', ['ab'], ['a]']],
  ['^\\{a\\}$', ['{a}'], ['a']],
  ['^{x}$', ['{x}'], ['x']],
  ['^\\p{L}{2}$', ['éa'], ['é', '1a']],
  ['^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$', ['* * * * */5'], ['* * * *']],
  ['\\Aa+\\z', ['aa'], ['ab']],
  ['^((a{2}){2}b){1,2}$', ['aaaab', 'aaaabaaaab'], ['aab']],
];

for (const [pattern, good, bad] of cases) {
  t.test(pattern, async (t) => {
    const compiled = compilePattern(pattern);
    for (const text of good) t.ok(compiled.test(text), `takes ${text}`);
    for (const text of bad) t.notOk(compiled.test(text), `refuses ${text}`);
  });
}

t.test('what RE2 does not have is refused', async (t) => {
  for (const pattern of ['(?=a)a', '(?!a)b', '(?<=a)b', '(a)\\1', '(', 'a{1001}', '[z-a]']) {
    t.throws(() => compilePattern(pattern), SyntaxError, pattern);
  }
  t.ok(compilePattern('a\\\\1').test('a\\1'), 'an escaped backslash is no reference');
});

t.test('no expression runs for years', async (t) => {
  const text = `${'a'.repeat(200)}!`;
  for (const pattern of [
    '^(a+)+$',
    '^(a|a)*$',
    '^(a{1,5})+$',
    '^(a|aa)+$',
    '^(.*a){10}b$',
    '^((a*)*)*$',
  ]) {
    const before = process.cpuUsage();
    t.notOk(compilePattern(pattern).test(text));
    const { user, system } = process.cpuUsage(before);
    t.ok(user + system < 1_000_000, `${pattern} took ${Math.round((user + system) / 1000)} ms`);
  }
});
