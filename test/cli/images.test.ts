/** How images and transfers are shown. */
import t from 'tap';
import { fullName, humanSize, loginHeaders, shortName } from '#cli/images.ts';
import { Progress } from '#cli/progress.ts';

t.test('names are shown and completed as docker does it', async (t) => {
  const full: Readonly<Record<string, string>> = {
    busybox: 'docker.io/library/busybox:latest',
    'team/app:1': 'docker.io/team/app:1',
    'reg.io/app': 'reg.io/app:latest',
    'localhost:5000/app': 'localhost:5000/app:latest',
    'localhost/app': 'localhost/app:latest',
    'index.docker.io/a/b': 'docker.io/a/b:latest',
    'reg.io/app@sha256:ab': 'reg.io/app@sha256:ab',
  };
  for (const [short, long] of Object.entries(full)) t.equal(fullName(short), long);
  t.strictSame(shortName('docker.io/library/busybox:1'), { repository: 'busybox', tag: '1' });
  t.strictSame(shortName('reg.io:5000/a/b:1'), { repository: 'reg.io:5000/a/b', tag: '1' });
  const sizes = [0, 999, 1982380, 1_234_000_000].map(humanSize);
  t.strictSame(sizes, ['0B', '999B', '1.98MB', '1.23GB']);
});

t.test('a login is written as Docker writes it', async (t) => {
  process.env['DOCKER_CONFIG'] = t.testdir({
    'config.json': JSON.stringify({ auths: { 'reg.io': { auth: 'YTpi' } } }),
  });
  t.teardown(() => delete process.env['DOCKER_CONFIG']);
  const read = (header = '') => JSON.parse(Buffer.from(header, 'base64url').toString());
  const { 'x-registry-auth': header } = await loginHeaders('ada:a:b', 'reg.io/app');
  t.strictSame(read(header), { username: 'ada', password: 'a:b' });
  const kept = await loginHeaders(undefined, 'reg.io/team/app:1');
  t.strictSame(read(kept['x-registry-auth']), { username: 'a', password: 'b' });
  t.strictSame(await loginHeaders(undefined, 'app'), {}, 'that of another registry');
  await t.rejects(loginHeaders('ada', 'app'), /--creds: write USER:PASSWORD/);
});

const layers = ['a', 'b'].map((letter) => `sha256:${letter.repeat(64)}`);
const play = (isTTY: boolean) => {
  let text = '';
  const progress = new Progress({ isTTY, columns: 60, write: (more) => (text += more) }, 'pull');
  const [a = '', b = ''] = layers;
  progress.show({ layer: a, status: 'waiting', bytes: 0, total: 0 });
  progress.show({ layer: b, status: 'waiting', bytes: 0, total: 0 });
  progress.show({ layer: a, status: 'downloading', bytes: 500, total: 1000 });
  progress.show({ layer: a, status: 'downloading', bytes: 1000, total: 1000 });
  progress.show({ layer: a, status: 'done', bytes: 1000, total: 1000 });
  progress.show({ image: { id: '', digest: '', tags: [], sizeBytes: 0 } });
  return text;
};

t.test('a terminal gets a line a layer, redrawn in its place and never wrapped', async (t) => {
  const text = play(true);
  t.equal(text.split('\n').length, 3, 'two lines, one for each layer');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are driven by them
  t.match(text, /\x1b\[2A\raaaaaaaaaaaa: Downloading \[=+> +/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are driven by them
  const shown = text.split(/\n|\x1b\[\d*[ABK]|\r/);
  t.ok(shown.every((line) => line.length < 60));
  t.ok(text.includes('aaaaaaaaaaaa: Pull complete'));
});

t.test('elsewhere each change of state is one line', async (t) => {
  const lines = ['Waiting', 'Downloading', 'Pull complete'].map((word) => `aaaaaaaaaaaa: ${word}`);
  lines.splice(1, 0, 'bbbbbbbbbbbb: Waiting');
  t.equal(play(false), `${lines.join('\n')}\n`);
});
