/** What people type: flags, signals, limits, mount options. */

import t from 'tap';
import { readMountOptions } from '#node-agent/container/mount-options.ts';
import { onlyId, parseFlags } from '#node-agent/oci/arguments.ts';
import { cgroupOf } from '#node-agent/oci/cgroups.ts';
import type { Config, Mount } from '#node-agent/oci/config/config.ts';
import { cpuMask } from '#node-agent/oci/cpu-mask.ts';
import { execFlags, execProcess } from '#node-agent/oci/exec-flags.ts';
import { makesDevices, wireMounts } from '#node-agent/oci/mounts.ts';
import { signalNumber } from '#node-agent/oci/signals.ts';
import { checkId } from '#node-agent/oci/state.ts';
import { resourcesFromFlags, updateFlags } from '#node-agent/oci/update-flags.ts';

t.test('flags in all the shapes that callers use', async (t) => {
  const kinds = {
    bundle: { kind: 'text', short: 'b' },
    detach: { kind: 'on', short: 'd' },
    env: { kind: 'texts', short: 'e' },
    'preserve-fds': { kind: 'number' },
  } as const;
  const { flags, rest } = parseFlags(
    ['--bundle=/x', '-d', '-e', 'A=1', '--env=B=2', '-preserve-fds', '3', 'id', '--', '-x'],
    kinds,
  );
  t.strictSame(
    { ...flags },
    { bundle: '/x', detach: true, env: ['A=1', 'B=2'], 'preserve-fds': 3 },
  );
  t.strictSame(rest, ['id', '-x']);
  t.equal(parseFlags(['--detach=false'], kinds).flags.detach, false);
  t.strictSame(parseFlags(['-d', 'id', 'ls', '-l'], kinds, 'first').rest, ['id', 'ls', '-l']);
  t.throws(() => parseFlags(['--nope'], kinds), /unknown flag --nope/);
  t.throws(() => parseFlags(['--bundle'], kinds), /--bundle needs a value/);
  t.throws(() => parseFlags(['--preserve-fds', '1e3'], kinds), /whole number/);
  t.throws(() => parseFlags(['--detach=maybe'], kinds), /true or false/);
  t.throws(() => onlyId([]), /expected the id/);
  t.throws(() => onlyId(['a', 'b']), /found also b/);
});

t.test('ids are names of directories, and no more', async (t) => {
  for (const id of ['a', 'A-b_c.d+e', 'x'.repeat(255)]) t.equal(checkId(id), id);
  for (const id of ['', '.', '..', 'a/b', '../x', 'a b', 'ä', 'x'.repeat(256), 'a\0']) {
    t.throws(() => checkId(id), /is no id of a container/);
  }
});

t.test('signals', async (t) => {
  t.strictSame(
    ['9', 'KILL', 'SIGKILL', 'kill', 'RTMIN', 'SIGRTMIN+3', 'RTMAX-1', '0'].map(signalNumber),
    [9, 9, 9, 9, 34, 37, 63, 0],
  );
  for (const word of ['65', 'NOPE', '', '-1', '9x', 'RTMIN-1', 'RTMAX+1', '1e1', '__proto__']) {
    t.throws(() => signalNumber(word), /is no signal/, word);
  }
});

t.test('exec: users are numbers no kernel takes for others (CVE-2024-40635)', async (t) => {
  const process = { cwd: '/', env: ['A=1'], user: { additionalGids: [4, 5] } };
  const config = { ociVersion: '1.0.0', process } as Config;
  const exec = (...words: string[]) => {
    const { flags, rest } = parseFlags(words, execFlags, 'first');
    return execProcess(config, flags, rest);
  };
  t.match(exec('-u', '1000:1001', '-e', 'B=2', 'ls', '-l'), {
    user: { uid: 1000, gid: 1001 },
    env: ['A=1', 'B=2'],
    args: ['ls', '-l'],
  });
  for (const user of [
    '4294967296',
    '-1',
    '2147483648',
    '1e9',
    ' 0',
    '',
    '0x0',
    'root',
    '1:',
    ':1',
    '1:2:3',
  ]) {
    t.throws(() => exec(`--user=${user}`, 'ls'), /--user: expected/, JSON.stringify(user));
  }
  const { user } = exec('-g', '5,6', '-g', '7', 'ls');
  t.strictSame(user?.additionalGids, [4, 5, 6, 7], 'beside the container’s own, as runc has it');
  t.throws(() => exec('-g', '5,x', 'ls'), /--additional-gids: expected/);
  t.throws(() => exec('--cwd', 'x', 'ls'), /--cwd: expected an absolute path/);
  t.throws(() => exec('-e', 'A', 'ls'), /--env: expected NAME=value/);
  t.throws(() => exec(), /expected a command/);
});

t.test('update: limits by flags', async (t) => {
  const update = (...words: string[]) => resourcesFromFlags(parseFlags(words, updateFlags).flags);
  t.strictSame(
    update('--memory', '64m', '--memory-swap=-1', '--pids-limit', '5', '--cpuset-cpus', '0-1'),
    {
      cpu: { cpus: '0-1' },
      memory: { limit: 64 * 2 ** 20, swap: -1 },
      pids: { limit: 5 },
    },
  );
  t.throws(() => update(), /nothing to change/);
  t.throws(() => update('--memory', '1e9'), /--memory: expected bytes/);
  t.throws(() => update('--cpu-quota', '1.5'), /--cpu-quota: expected a whole number/);
});

t.test('CPU lists', async (t) => {
  t.strictSame([...cpuMask('0-2,9')], [7, 2, 0, 0, 0, 0, 0, 0]);
  t.equal(cpuMask(undefined).length, 0);
  t.throws(() => cpuMask('9999'), /there is no CPU 9999/);
});

t.test('cgroups: absolute is absolute, the same words are the same place', async (t) => {
  t.equal(cgroupOf('x', undefined), '/bayplan-oci/x');
  t.equal(cgroupOf('x', '/a//b/'), '/a/b');
  t.equal(cgroupOf('x', 'a/b'), cgroupOf('y', './a/b'));
});

t.test('mount options: every word the specification wants', async (t) => {
  const must =
    'async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec noiversion nolazytime norelatime nostrictatime nosuid private rbind relatime remount ro rprivate rshared rslave runbindable rw shared silent slave strictatime suid sync unbindable'.split(
      ' ',
    );
  const fs = new Set(['dirsync', 'lazytime', 'sync']);
  for (const word of must)
    t.strictSame(readMountOptions([word]).data, fs.has(word) ? [word] : [], word);
  for (const word of [
    'rro',
    'rnosuid',
    'rnoatime',
    'nosymfollow',
    'idmap',
    'ridmap',
    'tmpcopyup',
  ]) {
    t.strictSame(readMountOptions([word]).data, [], word);
  }
  t.strictSame(readMountOptions(['size=64k', 'mode=755']).data, ['size=64k', 'mode=755']);
  const { set, clear } = readMountOptions(['ro', 'nosuid', 'rw']);
  t.strictSame([set, clear], [2, 1], 'the last word counts');
  const opposites =
    'ro rw,nosuid suid,nodev dev,noexec exec,nodiratime diratime,nosymfollow symfollow';
  for (const pair of opposites.split(',')) {
    const [one = '', other = ''] = pair.split(' ');
    const said = (...words: string[]) => readMountOptions(words);
    t.strictSame(said(one, other), said(other), `${one},${other}`);
    t.strictSame(said(other, one), said(one), `${other},${one}`);
    t.strictSame(said(`r${one}`, `r${other}`), said(`r${other}`), `r${one},r${other}`);
    t.strictSame(said(one, `r${other}`), said(`r${other}`), `${one},r${other}`);
  }
  const times = (...words: string[]) => readMountOptions(words).set;
  t.equal(times('noatime', 'norelatime', 'nostrictatime'), times('noatime'));
  t.equal(times('strictatime', 'atime', 'norelatime'), times('strictatime'));
  t.equal(times('strictatime', 'nostrictatime'), 0);
  t.equal(times('strictatime', 'noatime', 'relatime'), 0);
  t.strictSame(readMountOptions(['sync', 'mand', 'async', 'lazytime', 'nomand']).data, [
    'lazytime',
  ]);
  t.strictSame(readMountOptions(['__proto__', 'constructor']).data, ['__proto__', 'constructor']);
});

t.test('mounts: a fake /proc, binds without source, options nobody knows', async (t) => {
  const world = {
    bundle: '/bundle',
    hierarchies: { v1: {}, v1Mounts: [], v2Controllers: [] },
    cgroup: '/c',
  } as never;
  const wire = (...mounts: Mount[]) => wireMounts({ ociVersion: '1.0.0', mounts } as Config, world);
  const cases: readonly (readonly [Mount, RegExp])[] = [
    [
      { destination: '/proc', type: 'tmpfs', source: 'tmpfs' },
      /mounts\[0\]: only a proc file system/,
    ],
    [{ destination: 'proc/', type: 'bind', source: '/tmp' }, /only a proc file system/],
    [{ destination: '/x/../proc', type: 'bind', source: 'fake' }, /only a proc file system/],
    [{ destination: '/proc/self/attr', type: 'tmpfs' }, /nothing but single known files/],
    [{ destination: '/proc/sys', type: 'bind', source: '/tmp' }, /nothing but single known files/],
    [{ destination: '/x', type: 'bind' }, /a bind needs a source/],
    [
      { destination: '/x', type: 'bind', source: '/a', options: ['rbind', 'rwx'] },
      /option rwx is unknown/,
    ],
    [{ destination: '/x' }, /needs a type/],
  ];
  for (const [mount, wanted] of cases) t.throws(() => wire(mount), wanted);
  t.match(wire({ destination: 'data', type: 'none', source: 'd', options: ['rbind', 'ro'] }), [
    { kind: 1, flags: 1, set: 1, source: '/bundle/d', target: '/data' },
  ]);
  t.match(
    wire({ destination: '/proc/cpuinfo', type: 'bind', source: '/x', options: ['bind'] })[0],
    {
      target: '/proc/cpuinfo',
    },
  );
  const again = (first: Mount, ...options: string[]) =>
    wire(first, { destination: first.destination, options: ['remount', ...options] })[1];
  const tmpfs = { destination: '/t', type: 'tmpfs' };
  t.match(again(tmpfs, 'size=1k', 'async'), { kind: 3, options: ['size=1k', 'async'] });
  t.match(again(tmpfs, 'bind', 'sync', 'ro'), { kind: 3, options: [], set: 1 });
  const shared = { destination: '/t', type: 'none', source: '/x', options: ['rbind'] };
  t.match(again(shared, 'ro', 'nosuid'), { kind: 3, options: [], set: 3 });
  t.throws(() => again(shared, 'sync'), /mounts\[1\]: sync would change the file system on \/t/);
  for (const type of ['proc', 'sysfs', 'mqueue', 'cgroup']) {
    const first = { destination: type === 'proc' ? '/proc' : '/s', type };
    t.throws(() => again(first, 'sync'), /sync would change the file system/, type);
  }
  t.throws(
    () => wire({ destination: '/t', options: ['remount', 'sync'] }),
    /mounts\[0\]: sync would change the file system/,
  );
  const dev = { destination: '/dev', type: 'bind', source: '/dev' };
  t.equal(makesDevices({ ociVersion: '1.0.0', mounts: [dev] } as Config), false);
});
