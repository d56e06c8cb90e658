import { resolve } from 'node:path';
import t from 'tap';
import { commands } from '#cli/commands.ts';
import { bashScript, candidates, flagsOf, splitNamespace } from '#cli/completion.ts';
import { run } from '../support/cluster.ts';

const fixed = (...words: string[]) => candidates(commands, words).fixed;
const wanted = (...words: string[]) => candidates(commands, words).wanted;

t.test('commands, then flags, then what a command is about', async (t) => {
  t.ok(fixed('do').includes('doctor') && fixed('do').includes('down'));
  t.notOk(fixed('do').includes('run'));
  t.ok(fixed('').includes('apply'));
  t.strictSame(fixed('apply', '--pr'), ['--prune']);
  t.ok(fixed('help', 'wh').includes('why'));
  t.equal(wanted('logs', ''), 'containers');
  t.equal(wanted('run', ''), 'images');
  t.equal(wanted('get', ''), 'types');
  t.equal(wanted('get', 'pods', ''), 'objects');
  t.equal(wanted('get', '-n', ''), 'types');
  t.equal(wanted('apply', '-f', ''), 'files');
  t.strictSame(candidates(commands, ['nonsense', '']), { fixed: [], wanted: 'nothing' });
});

t.test('flags are those that the usage names', async (t) => {
  t.strictSame(flagsOf({ usage: 'x [-a] [--b-c V | -d] NAME-e … --f=1' }), [
    '--b-c',
    '--f',
    '-a',
    '-d',
  ]);
});

t.test('bash completes with it', async (t) => {
  const bay = resolve(import.meta.dirname, '../../bay');
  const script = `${bashScript}
COMP_WORDS=("${bay}" "doct"); COMP_CWORD=1; _bay; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { code, stdout, stderr } = await run('bash', ['-c', script]);
  t.strictSame({ code, stdout, stderr }, { code: 0, stdout: 'doctor\n', stderr: '' });
  const main = resolve(import.meta.dirname, '../../cli/main.ts');
  t.match(await run(process.execPath, [main, 'completion', 'fish']), {
    code: 2,
    stderr: /for which shell/,
  });
});

t.test('after create come kinds and images, then the forms of a kind', async (t) => {
  const after = (...words: string[]) => candidates(commands, ['create', ...words]);
  t.strictSame(after('dep'), { fixed: ['deployment'], wanted: 'images' });
  t.strictSame(after('service', 'n'), { fixed: ['nodeport'], wanted: 'nothing' });
  t.strictSame(after('cm', ''), { fixed: [], wanted: 'nothing' });
  t.match(after(''), { wanted: 'images' });
  t.strictSame(candidates(commands, ['expose', '']), { fixed: [], wanted: 'types' });
});

t.test('after set comes what is set, then the type, then documents', async (t) => {
  t.strictSame(fixed('set', 'se'), ['selector', 'serviceaccount']);
  t.equal(wanted('set', 'env', ''), 'types');
  t.equal(wanted('set', 'env', 'deploy', ''), 'objects');
});

t.test('a namespace that was named is where names are looked for', async (t) => {
  for (const flag of [['-n', 'here'], ['-nhere'], ['--namespace', 'here'], ['--namespace=here']]) {
    const { namespace, rest } = splitNamespace(['get', ...flag, 'pods', '']);
    t.strictSame({ namespace, rest }, { namespace: 'here', rest: ['get', 'pods', ''] });
  }
  t.strictSame(splitNamespace(['get', '-n', 'he']), {
    namespace: 'default',
    rest: ['get', '-n', 'he'],
  });
});
