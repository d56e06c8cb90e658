/** Every kind and option of a mount, seen from inside. */

import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { mountFlag, mountKind, propagation } from '#native/protocol.ts';
import { wireMount } from '#node-agent/container/standard-mounts.ts';
import { needsRoot } from '../support/scratch.ts';
import { layer, mount, newDirectory, run, tree } from './rig.ts';

needsRoot();
const bind = (source: string, ...words: string[]) => mount('', source, '/data', 'rbind', ...words);
const options = (path: string) => `grep " ${path} " /proc/self/mountinfo | cut -d" " -f6`;
const host = tree((done) => t.teardown(done));

t.test('bind shows the mount, rbind also those below it', async (t) => {
  const script = 'cat /data/file; ls /data/below';
  t.strictSame(await run(script, { more: [mount('', host, '/data', 'bind')] }), ['of the host']);
  t.strictSame(await run(script, { more: [bind(host)] }), ['of the host', 'deep']);
});

t.test('a file is mounted on a file', async (t) => {
  const more = [mount('', `${host}/file`, '/etc/made/here', 'bind', 'ro')];
  t.strictSame(await run('cat /etc/made/here; echo x > /etc/made/here || echo ro', { more }), [
    'of the host',
    "sh: can't create /etc/made/here: Read-only file system",
    'ro',
  ]);
});

t.test('attributes of the mount alone, and with all that is below', async (t) => {
  const words: [string, string][] = [
    ['ro', 'ro'],
    ['nosuid', 'nosuid'],
    ['nodev', 'nodev'],
    ['noexec', 'noexec'],
    ['noatime', 'noatime'],
    ['nodiratime', 'nodiratime'],
    ['nosymfollow', 'nosymfollow'],
  ];
  for (const [word, shown] of words) {
    const script = `${options('/data')}; ${options('/data/below')}`;
    const one = await run(script, { more: [bind(host, word)] });
    t.ok(one[0]?.split(',').includes(shown), `${word}: ${one[0]}`);
    t.notOk(one[1]?.split(',').includes(shown), `${word} below: ${one[1]}`);
    const all = await run(script, { more: [bind(host, `r${word}`)] });
    for (const line of all) t.ok(line.split(',').includes(shown), `r${word}: ${line}`);
  }
});

t.test('attributes are taken away again, and the last of two counts', async (t) => {
  const one = async (...words: string[]) =>
    (await run(options('/data'), { more: [bind(host, ...words)] }))[0];
  t.equal(await one('ro', 'rw'), 'rw,relatime');
  t.equal(await one('noexec', 'exec', 'nodev', 'dev', 'nosuid', 'suid'), 'rw,relatime');
  t.equal(await one('noatime', 'relatime'), 'rw,relatime');
  t.equal(await one('noatime', 'strictatime'), 'rw');
  t.equal(await one('noatime', 'atime', 'nodiratime', 'diratime'), 'rw,relatime');
  t.equal(await one('strictatime', 'nostrictatime'), 'rw,relatime');
  t.equal(await one('strictatime', 'norelatime', 'atime'), 'rw');
  t.equal(await one('noatime', 'nostrictatime', 'norelatime'), 'rw,noatime');
  t.equal(await one('nosymfollow', 'symfollow'), 'rw,relatime');
  t.equal(await one('ro', 'defaults', 'loud', 'silent'), 'ro,relatime');
  const below = await run(options('/data/below'), { more: [bind(host, 'rro', 'rrw')] });
  t.strictSame(below, ['rw,relatime']);
  const both = `${options('/data')}; ${options('/data/below')}`;
  const two = (...words: string[]) => run(both, { more: [bind(host, ...words)] });
  t.strictSame(await two('ro', 'rrw'), ['rw,relatime', 'rw,relatime']);
  t.strictSame(await two('rro', 'rw'), ['rw,relatime', 'ro,relatime']);
  t.strictSame(await two('noatime', 'rstrictatime'), ['rw', 'rw']);
});

t.test('propagation', async (t) => {
  const shown = async (...words: string[]) => {
    const script =
      'grep " /data " /proc/self/mountinfo | sed "s/.*relatime \\(.*\\) *- .*/\\1/; s/[0-9]*//g"';
    return (await run(script, { more: [bind(shared, ...words)] }))[0]?.trim() ?? '';
  };
  const shared = tree((done) => t.teardown(done));
  execFileSync('mount', ['--bind', shared, shared]);
  execFileSync('mount', ['--make-shared', shared]);
  t.teardown(() => execFileSync('umount', ['-l', shared]));
  t.equal(await shown('rprivate'), '');
  t.equal(await shown('rshared'), 'shared:');
  t.equal(await shown('rslave'), 'master:');
  t.equal(await shown('slave'), 'master:');
  t.equal(await shown('unbindable'), 'unbindable');
  t.equal(await shown('rslave', 'shared'), 'shared: master:');
  t.equal(await shown('shared', 'rprivate'), '');
});

t.test('the root’s own propagation', async (t) => {
  const script = 'grep " / / " /proc/self/mountinfo | grep -oE "shared|unbindable"';
  t.strictSame(await run(script), []);
  for (const [name, value] of Object.entries({
    shared: propagation.shared,
    unbindable: propagation.unbindable,
  }))
    t.strictSame(await run(script, { rootPropagation: value }), [name]);
});

t.test('file systems with their options', async (t) => {
  const more = [
    mount('tmpfs', '', '/small', 'size=64k', 'mode=700', 'nr_inodes=20', 'noexec', 'sync'),
    mount('proc', 'proc', '/other/proc', 'ro'),
  ];
  const script = `${options('/small')}; df -k /small | tail -1 | awk '{print $2}'; stat -c %a /small
    ls /other/proc/self/status; grep -c " /small .* rw,sync" /proc/self/mountinfo`;
  t.strictSame(await run(script, { more }), [
    'rw,noexec,relatime',
    '64',
    '700',
    '/other/proc/self/status',
    '1',
  ]);
  await t.rejects(run('true', { more: [mount('nofs', '', '/x')] }), /open file system nofs/);
  await t.rejects(
    run('true', { more: [mount('tmpfs', '', '/x', 'no-such-option')] }),
    /configure file system/,
  );
});

t.test('what a file system is told is taken back by its opposite, and only by that', async (t) => {
  const shown = async (...words: string[]) => {
    const script = 'sed -n "s/.* \\/fs .* - tmpfs tmpfs //p" /proc/self/mountinfo';
    return (await run(script, { more: [mount('tmpfs', '', '/fs', ...words)] }))[0];
  };
  const cases: [string, string][] = [
    ['sync', 'rw,sync'],
    ['dirsync', 'rw,dirsync'],
    ['lazytime', 'rw,lazytime'],
    ['sync async', 'rw'],
    ['async sync', 'rw,sync'],
    ['sync sync async', 'rw'],
    ['sync dirsync async', 'rw,dirsync'],
    ['lazytime nolazytime', 'rw'],
    ['nolazytime lazytime', 'rw,lazytime'],
    ['sync lazytime nomand defaults iversion noiversion', 'rw,sync,lazytime'],
    ['mand nomand', 'rw'],
    ['size=8k async size=16k', 'rw,size=16k'],
  ];
  for (const [words, wanted] of cases) t.equal(await shown(...words.split(' ')), wanted, words);
});

t.test('tmpcopyup brings what the image has, as it was', async (t) => {
  const image = newDirectory();
  mkdirSync(`${image}/srv/sub`, { recursive: true });
  writeFileSync(`${image}/srv/sub/file`, 'content\n', { mode: 0o640 });
  chownSync(`${image}/srv/sub/file`, 12, 34);
  symlinkSync('sub/file', `${image}/srv/link`);
  execFileSync('mknod', [`${image}/srv/pipe`, 'p']);
  const script =
    'cat /srv/link; stat -c "%u %g %a" /srv/sub/file; stat -c %F /srv/pipe; stat -f -c %T /srv; echo x > /srv/new && echo writable';
  const lines = await run(script, {
    layers: [image, layer],
    more: [mount('tmpfs', '', '/srv', 'tmpcopyup')],
  });
  t.strictSame(lines, ['content', '12 34 640', 'fifo', 'tmpfs', 'writable']);
});

t.test('remount changes what is there', async (t) => {
  const more = [mount('tmpfs', '', '/t'), mount('', '', '/t', 'remount', 'ro', 'nosuid')];
  t.strictSame(await run(options('/t'), { more }), ['ro,nosuid,relatime']);
});

t.test('remount changes the file system by its own words', async (t) => {
  const shown = async (first: string[], ...words: string[]) => {
    const script = 'sed -n "s/.* \\/fs .* - tmpfs tmpfs //p" /proc/self/mountinfo';
    const more = [mount('tmpfs', '', '/fs', ...first), mount('', '', '/fs', 'remount', ...words)];
    return (await run(script, { more }))[0];
  };
  t.equal(await shown(['size=8k', 'mode=700'], 'size=16k'), 'rw,size=16k,mode=700');
  t.equal(await shown(['sync', 'size=8k'], 'async', 'lazytime'), 'rw,lazytime,size=8k');
  t.equal(
    await shown(['sync'], 'async', 'sync', 'dirsync', 'iversion'),
    'rw,sync',
    'as mount(2) has it',
  );
  t.equal(await shown(['lazytime', 'dirsync'], 'nolazytime'), 'rw,dirsync');
  t.equal(await shown(['sync'], 'ro', 'nosuid'), 'rw,sync', 'of the mount alone');
  const wrong = [mount('tmpfs', '', '/fs'), mount('', '', '/fs', 'remount', 'no-such-option')];
  await t.rejects(run('true', { more: wrong }), /configure file system no-such-option/);
  const nowhere = [mount('', '', '/etc', 'remount', 'sync')];
  await t.rejects(run('true', { more: nowhere }), /open the file system on \/etc/);
});

t.test('owners are shown by the mount’s own map', async (t) => {
  const directory = newDirectory();
  writeFileSync(`${directory}/root`, '');
  writeFileSync(`${directory}/user`, '');
  chownSync(`${directory}/user`, 1, 1);
  const map = [{ inside: 0, outside: 5000, size: 10 }];
  for (const word of ['idmap', 'ridmap']) {
    const more = [{ ...mount('', directory, '/data', 'bind', word), uidMap: map, gidMap: map }];
    const script = 'stat -c %u:%g /data/root /data/user; touch /data/new || echo unmapped';
    const lines = (await run(script, { more })).filter((line) => !line.startsWith('touch:'));
    t.strictSame(lines, ['5000:5000', '5001:5001', 'unmapped']);
  }
  const without = { more: [mount('', directory, '/data', 'bind', 'idmap')] };
  await t.rejects(run('true', without), /find the map for owners on \/data/);
});

t.test('a source that is a link to elsewhere stays in its volume', async (t) => {
  const volume = newDirectory();
  symlinkSync('/etc', `${volume}/evil`);
  const of = wireMount({
    kind: mountKind.bind,
    flags: mountFlag.recursive,
    root: volume,
    source: 'evil',
    target: '/data',
  });
  t.strictSame(await run('ls /data', { more: [of] }), []);
  t.strictSame(readdirSync(volume), ['etc', 'evil']);
});
