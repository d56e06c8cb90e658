/** Where something lies over parts of /proc and /sys, as in most containers, the kernel gives a user no new ones. */

import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import t from 'tap';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { asUser, givesNamespaces, mapped, userRig } from './rootless.ts';

needsRoot();
if (!givesNamespaces()) {
  t.pass('skipped', { skip: 'this kernel gives users no user namespaces' });
  process.exit();
}

const rig = userRig(scratch('oci-rootless-masked')());
/** A machine with this done to its mounts. */
const after = (change: string): string[] => [
  ...['unshare', '-m', '--propagation', 'private', 'sh', '-c', `${change} && exec "$@"`, 'sh'],
  ...asUser,
];
const masked = after(
  'mount --bind /dev/null /proc/version && mount -t tmpfs none /sys/kernel && mkdir /sys/kernel/covered',
);

type Json = Readonly<Record<string, unknown>>;
const bundle = (script: string, change: Json = {}) =>
  rig.bundle(['sh', '-c', script], { linux: mapped(), ...change });

t.test('what is there is shown in their place, with what lies over it', async (t) => {
  const script = [
    'wc -c < /proc/version; ls /sys/kernel',
    'wc -c < /proc/keys; (echo 1 > /proc/sys/kernel/panic) 2> /dev/null || echo read-only',
    'umount /proc/version 2> /dev/null || echo locked',
    'umount /sys/kernel 2> /dev/null || echo locked',
    'mkdir /sys/kernel/x 2>&1 | grep -o Read-only',
    'mount -o remount,rw /sys 2> /dev/null || echo stays',
    'test -d /proc/$OUTSIDE && echo outside',
    'cat /proc/$OUTSIDE/environ 2> /dev/null || echo closed',
  ].join('\n');
  const admin = ['CAP_SYS_ADMIN', 'CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH'];
  const outside = spawn(asUser[0] ?? '', [...asUser.slice(1), 'sleep', '1000']);
  const change = {
    linux: mapped({ maskedPaths: ['/proc/keys'], readonlyPaths: ['/proc/sys'] }),
    process: {
      env: ['PATH=/bin', `OUTSIDE=${outside.pid}`],
      capabilities: { bounding: admin, effective: admin, permitted: admin },
    },
  };
  const words = ['run', '-b', bundle(script, change), 'shown'];
  const { stdout, stderr } = await rig.run(words, { through: masked });
  outside.kill('SIGKILL');
  t.strictSame(stdout.trim().split('\n'), [
    ...['0', 'covered', '0', 'read-only', 'locked', 'locked', 'Read-only', 'stays'],
    ...['outside', 'closed'],
  ]);
  t.match(stderr, /mounts\[0\]: the kernel gives no new proc here, .* parts of \/proc: that one/);
  t.match(stderr, /mounts\[5\]: the kernel gives no new sysfs here, .* parts of \/sys: that one/);
  t.strictSame(readdirSync(rig.root), []);
});

t.test('the first process is 1, has its own /proc/self, and others join it', async (t) => {
  const ok = (...words: string[]) => rig.ok(words, { through: masked });
  const script = 'echo $$; test -e /proc/self/stat && echo self; exec sleep 1000';
  await ok('run', '-d', '-b', bundle(script), 'joined');
  t.equal(await ok('exec', 'joined', 'sh', '-c', 'hostname; ls /sys/kernel'), 'bundle\ncovered\n');
  await ok('delete', '-f', 'joined');
  t.strictSame(readdirSync(rig.root), []);
});

t.test('what lies nowhere over is new, without a word', async (t) => {
  for (const through of [after('true'), after('mount --bind /dev/null /proc/version')]) {
    const isMasked = through.join(' ').includes('version');
    const words = ['run', '-b', rig.bundle(['readlink', '/proc/self'], { linux: mapped() }), 'new'];
    const { stdout, stderr } = await rig.run(words, { through });
    t.equal(stdout === '1\n', !isMasked, stdout);
    t.equal(stderr.includes('no new proc'), isMasked, stderr);
    t.notMatch(stderr, 'no new sysfs');
  }
});

t.test(
  'kernel parameters are set through the one that is there, unless they are covered',
  async (t) => {
    const name = 'net.ipv4.ip_unprivileged_port_start';
    const script = `cat /proc/sys/${name.replaceAll('.', '/')}`;
    const words = (id: string) => [
      ...['run', '-b', bundle(script, { linux: mapped({ sysctl: { [name]: '81' } }) }), id],
    ];
    t.equal((await rig.run(words('set'), { through: masked })).stdout, '81\n');
    const covered = after('mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys');
    const { code, stderr } = await rig.run(words('covered'), { through: covered });
    t.equal(code, 1);
    t.match(
      stderr,
      /set sysctl net\/ipv4\/ip_unprivileged_port_start: .* \(something lies over it/,
    );
    t.strictSame(readdirSync(rig.root), []);
  },
);

t.test('where there is none at all, it is refused', async (t) => {
  const through = after('while umount -R -l /sys 2> /dev/null; do :; done');
  const { code, stderr } = await rig.run(['run', '-b', bundle('true'), 'refused'], { through });
  t.equal(code, 1);
  t.match(
    stderr,
    /show in place of a new file system \/sys: .* \(none is there, or something lies over/,
  );
  t.strictSame(readdirSync(rig.root), []);
});
