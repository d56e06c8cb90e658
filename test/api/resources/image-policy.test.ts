/** Which repositories a pattern means. */
import t from 'tap';
import { readImageName } from '#api/resources/image-name.ts';
import { concerns, fitsPattern } from '#api/resources/image-policy.ts';

t.test('patterns', async (t) => {
  const cases: [pattern: string, repository: string, fits: boolean][] = [
    ['registry.example/team/*', 'registry.example/team/app', true],
    ['registry.example/team/*', 'registry.example/team/app/web', false],
    ['registry.example/team/**', 'registry.example/team/app/web', true],
    ['registry.example/team/**', 'registry.example/teams/app', false],
    ['registry.example/*/app', 'registry.example/team/app', true],
    ['*.example/**', 'registry.example/team/app', true],
    ['registry.example/app', 'registry.example/app2', false],
    ['registry.example/app', 'Registry.example/app', false],
    ['localhost:5000/*', 'localhost:5000/x', true],
    ['busybox', 'docker.io/library/busybox', true],
    ['library/*', 'docker.io/library/busybox', true],
    ['docker.io/busybox', 'docker.io/library/busybox', true],
    ['index.docker.io/a/b', 'docker.io/a/b', true],
    ['*', 'docker.io/library/busybox', true],
    ['*', 'registry.example/busybox', false],
    ['**', 'registry.example/busybox', true],
    ['**', 'bayplan.local/busybox', false],
    ['bayplan.local/*', 'bayplan.local/busybox', true],
    ['a.b/(x)+', 'a.b/x', false],
  ];
  for (const [pattern, repository, fits] of cases) {
    t.equal(concerns({ images: [pattern] }, repository), fits, `${pattern} ${repository}`);
  }
});

t.test('no pattern takes long', async (t) => {
  const started = process.cpuUsage().user;
  t.equal(fitsPattern('*a'.repeat(120), `${'a'.repeat(254)}b`, '/'), false);
  t.equal(fitsPattern('**a'.repeat(80), `${'a'.repeat(254)}b`, '/'), false);
  t.ok(process.cpuUsage().user - started < 2_000_000, 'polynomial, not exponential');
});

t.test('names of images', async (t) => {
  const digest = `sha256:${'0'.repeat(64)}`;
  t.strictSame(readImageName('busybox'), {
    repository: 'docker.io/library/busybox',
    tag: 'docker.io/library/busybox:latest',
  });
  t.strictSame(readImageName('a/b:1'), { repository: 'docker.io/a/b', tag: 'docker.io/a/b:1' });
  t.strictSame(readImageName(`r.example:5000/a/b:1@${digest}`), {
    repository: 'r.example:5000/a/b',
    tag: 'r.example:5000/a/b:1',
    digest,
  });
  t.strictSame(readImageName(`a@${digest}`), { repository: 'docker.io/library/a', digest });
  t.strictSame(readImageName('localhost:5000/a'), {
    repository: 'localhost:5000/a',
    tag: 'localhost:5000/a:latest',
  });
});
