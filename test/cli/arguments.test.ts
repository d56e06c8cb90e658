import t from 'tap';
import { parse, parseLeading, UsageError } from '#cli/arguments.ts';

const options = {
  interactive: { type: 'boolean', short: 'i' },
  tty: { type: 'boolean', short: 't' },
  env: { type: 'string', short: 'e', multiple: true },
} as const;

t.test('options end where the program to be run begins', async (t) => {
  const { values, positionals, rest } = parseLeading(
    ['-it', '-e', 'A=b', 'web', 'ls', '-l'],
    options,
    1,
  );
  t.strictSame(positionals, ['web']);
  t.strictSame(rest, ['ls', '-l']);
  t.strictSame({ ...values }, { interactive: true, tty: true, env: ['A=b'] });
});

t.test('-- is taken away before the program', async (t) => {
  t.strictSame(parseLeading(['web', '--', 'ls', '--', 'x'], options, 1).rest, ['ls', '--', 'x']);
});

t.test('an unknown option is a usage error', async (t) => {
  t.throws(() => parse(['--nope'], options), UsageError);
});

t.test('flags take true and false after =, as docker’s do', async (t) => {
  const options = {
    rm: { type: 'boolean' },
    'no-trunc': { type: 'boolean' },
    x: { type: 'string' },
  } as const;
  const cases: [string[], object][] = [
    [['--rm=false'], { rm: false }],
    [['--rm', '--rm=false'], { rm: false }],
    [['--rm=true', '--no-trunc=1'], { rm: true, 'no-trunc': true }],
    [['--no-trunc', '--x=false'], { 'no-trunc': true, x: 'false' }],
  ];
  for (const [args, values] of cases) t.strictSame({ ...parse(args, options).values }, values);
  t.strictSame([...parse(['--', '--rm=false'], options).positionals], ['--rm=false']);
  t.throws(() => parse(['--rm=maybe'], options), UsageError);
  const { values, rest } = parseLeading(['--rm=false', 'image', '--rm=false'], options, 1);
  t.strictSame([values.rm, rest], [false, ['--rm=false']]);
});
