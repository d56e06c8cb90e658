/** Containers of an ordinary user, seen from inside and over their whole life. */

import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import t from 'tap';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { namespaces } from './bundle.ts';
import { asUser, givesNamespaces, mapped, uid, userRig } from './rootless.ts';

needsRoot();
if (!givesNamespaces()) {
  t.pass('skipped', { skip: 'this kernel gives users no user namespaces' });
  process.exit();
}

const rig = userRig(scratch('oci-rootless-life')());
const through = asUser;
const ok = (words: readonly string[]) => rig.ok(words, { through });
const run = (words: readonly string[]) => rig.run(words, { through });
type Json = Readonly<Record<string, unknown>>;
const bundle = (script: string, change: Json = {}) =>
  rig.bundle(['sh', '-c', script], { linux: mapped(), ...change });
const lines = async (script: string, change: Json = {}) =>
  (await ok(['run', '-b', bundle(script, change), 'inside'])).trim().split('\n');

t.test('it is root in there, with one id, and nobody else outside', async (t) => {
  const found = await lines(
    'id -u; id -g; cat /proc/self/uid_map /proc/self/setgroups; hostname; echo $$; touch /tmp/new',
  );
  t.match(found, ['0', '0', new RegExp(`^ +0 +${uid} +1$`), 'deny', 'bundle', '1']);
  t.strictSame(readdirSync(rig.root), [], 'nothing is left of it');
});

t.test('devices are the host’s, terminals its own, and what is masked is empty', async (t) => {
  const script = [
    'for d in null zero full random urandom tty; do stat -c "%n %t:%T" /dev/$d; done',
    'echo x > /dev/null && head -c 3 /dev/zero | wc -c',
    'ls /proc/acpi | wc -l; ls /sys/firmware | wc -l',
    'echo 1 2>/dev/null > /proc/sys/kernel/panic || echo read-only',
    'mknod /tmp/disk b 7 0 2>/dev/null || echo no nodes',
    'readlink /dev/ptmx; readlink /dev/fd',
  ].join('\n');
  t.strictSame(await lines(script), [
    '/dev/null 1:3',
    '/dev/zero 1:5',
    '/dev/full 1:7',
    '/dev/random 1:8',
    '/dev/urandom 1:9',
    '/dev/tty 5:0',
    '3',
    '0',
    '0',
    'read-only',
    'no nodes',
    'pts/ptmx',
    '/proc/self/fd',
  ]);
});

t.test('the group of terminals counts where it is mapped', async (t) => {
  const group = (gid: number) => ({
    linux: mapped(),
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: [`gid=${gid}`] },
    ],
  });
  const found = 'grep -o " devpts .*" /proc/self/mountinfo | grep -c gid=';
  t.strictSame(await lines(`${found}; true`, group(5)), ['0']);
  t.strictSame(await lines(`${found}; true`, group(0)), ['1']);
});

t.test('a container from create to delete', async (t) => {
  const oom = { process: { oomScoreAdj: 700 } };
  await ok(['create', '-b', bundle('exec sleep 1000', oom), 'life']);
  t.match(JSON.parse(await ok(['state', 'life'])), { status: 'created' });
  t.equal(await ok(['exec', 'life', 'id', '-u']), '0\n', 'exec before the start');
  await ok(['start', 'life']);
  const { pid } = JSON.parse(await ok(['state', 'life']));
  t.match(readFileSync(`/proc/${pid}/status`, 'utf8'), new RegExp(`Uid:(\t${uid}){4}\n`));
  t.equal(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'), '700\n');
  const same = 'for n in user mnt pid ipc uts net cgroup; do readlink /proc/1/ns/$n; done';
  const own = 'for n in user mnt pid ipc uts net cgroup; do readlink /proc/self/ns/$n; done';
  t.equal(
    await ok(['exec', 'life', 'sh', '-c', own]),
    await ok(['exec', 'life', 'sh', '-c', same]),
  );
  t.equal(await ok(['exec', 'life', 'cat', '/proc/self/oom_score_adj']), '700\n');
  t.match(await run(['exec', 'life', 'missing']), { code: 127 });
  const nobody = await run(['exec', '-u', '5', 'life', 'true']);
  t.match(nobody, { code: 255, stderr: /set the user: .*such an id is not mapped/ });
  const more = await run(['exec', '-g', '0', 'life', 'true']);
  t.equal(more.code, 255);
  t.match(
    more.stderr,
    /exec --additional-gids: process\.user\.additionalGids: setgroups\(2\) is forb/,
  );
  t.same(JSON.parse(await ok(['ps', '-f', 'json', 'life'])), [pid]);
  t.equal(await ok(['list', '-q']), 'life\n');
  t.match(await run(['delete', 'life']), { code: 1, stderr: /not stopped: running/ });
  await ok(['kill', '--all', 'life', 'KILL']);
  while (existsSync(`/proc/${pid}/root`)) await new Promise(setImmediate);
  t.match(JSON.parse(await ok(['state', 'life'])), { status: 'stopped' });
  await ok(['delete', 'life']);
  t.strictSame(readdirSync(rig.root), []);
});

t.test('root joins it, and leaves the groups of the host outside', async (t) => {
  await ok(['run', '-d', '-b', bundle('exec sleep 1000'), 'users']);
  const through = ['setpriv', '--groups', '0,42'];
  t.equal(await rig.ok(['exec', 'users', 'id', '-G'], { through }), '0\n');
  await rig.ok(['delete', '-f', 'users']);
  t.strictSame(readdirSync(rig.root), []);
});

t.test('spec --rootless writes what runs', async (t) => {
  const directory = `${rig.directory}/spec`;
  mkdirSync(directory);
  symlinkSync(rig.rootfs, `${directory}/rootfs`);
  chownSync(directory, uid, uid);
  await ok(['spec', '--rootless', '-b', directory]);
  const path = `${directory}/config.json`;
  const config = JSON.parse(readFileSync(path, 'utf8'));
  Object.assign(config.process, { terminal: false, args: ['id', '-u'] });
  writeFileSync(path, JSON.stringify(config));
  t.equal(await ok(['run', '-b', directory, 'spec']), '0\n');
  const wanted = `${readFileSync(path, 'utf8')}`;
  t.match(wanted, `"hostID":${uid}`);
});

t.test('with a terminal', async (t) => {
  const change = { process: { terminal: true } };
  const words = ['run', '-b', bundle('tty; stat -c %u:%t /dev/console', change), 'terminal'];
  // script(1) gives the runtime a terminal.
  const through = ['sh', '-c', 'script -qec "$*" /dev/null', 'sh', ...asUser];
  const { stdout } = await rig.run(words, { through });
  // When its own input ends it sends a NUL, which the terminal may show.
  t.match(stdout.replaceAll(/\r|\^@/g, ''), '/dev/pts/0\n0:88\n');
});

t.test('it ends as its program does', async (t) => {
  t.match(await run(['run', '-b', bundle('exit 7'), 'seven']), { code: 7, stderr: '' });
  t.match(await run(['run', '-b', bundle("sh -c 'kill -TERM $$'; exit $?"), 'signal']), {
    code: 143,
  });
  t.match(await run(['run', '-b', rig.bundle(['nothing'], { linux: mapped() }), 'none']), {
    code: 127,
  });
  t.strictSame(readdirSync(rig.root), []);
});

t.test('without namespaces of its own it sees the host’s /proc and /sys', async (t) => {
  const few = ['ipc', 'uts', 'mount', 'cgroup', 'user'].map((type) => ({ type }));
  const script =
    'test -d /proc/$PARENT && echo parent; ls -d /sys/kernel; mkdir /sys/x 2>&1 | grep -o Read-only';
  const change = {
    linux: mapped({ namespaces: few, maskedPaths: [], readonlyPaths: [] }),
    process: { env: ['PATH=/bin', `PARENT=${process.pid}`] },
  };
  t.strictSame(await lines(script, change), ['parent', '/sys/kernel', 'Read-only']);
  await ok(['run', '-d', '-b', bundle('exec sleep 1000', change), 'few']);
  t.equal(await ok(['exec', 'few', 'echo', 'joined']), 'joined\n');
  await ok(['delete', '-f', 'few']);
});

t.test('clocks, kernel parameters, filters and limits are its own', async (t) => {
  const change = {
    linux: mapped({
      namespaces: [...namespaces, { type: 'user' }, { type: 'time' }],
      timeOffsets: { boottime: { secs: 500 } },
      sysctl: { 'net.ipv4.ip_unprivileged_port_start': '80' },
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
      },
    }),
    process: { noNewPrivileges: false, oomScoreAdj: -900 },
  };
  const script =
    'grep -o "boottime.*" /proc/1/timens_offsets | tr -s " "; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; mkdir /tmp/no 2>/dev/null || echo filtered; ulimit -n';
  t.strictSame(await lines(script, change), ['boottime 500 0', '80', 'filtered', '512']);
});

t.test('a bind that hides what the host has mounted over it is refused', async (t) => {
  const mount = { destination: '/mnt', type: 'bind', source: '/proc/..', options: ['bind'] };
  const { code, stderr } = await run(['run', '-b', bundle('true', { mounts: [mount] }), 'bind']);
  t.equal(code, 1);
  t.match(stderr, /open mount source .*: invalid argument \(.*which only rbind can bring\)/);
});

t.test('hooks run in its namespaces', async (t) => {
  const hook = (word: string) => ({
    path: '/bin/sh',
    args: ['sh', '-c', `echo ${word} $(id -u) >> ${rig.rootfs}/tmp/hooks`],
  });
  const inside = { ...hook('start'), args: ['sh', '-c', 'echo start $(id -u) >> /tmp/hooks'] };
  const hooks = { createContainer: [hook('create')], startContainer: [inside] };
  t.strictSame(await lines('cat /tmp/hooks', { hooks }), ['create 0', 'start 0']);
});

t.test('an overlay of the user’s own', async (t) => {
  const place = `${rig.directory}/layers`;
  mkdirSync(place);
  chownSync(place, uid, uid);
  for (const name of ['lower', 'upper', 'work']) {
    mkdirSync(`${place}/${name}`);
    chownSync(`${place}/${name}`, uid, uid);
  }
  const options = ['lower', 'upper', 'work'].map((name) => `${name}dir=${place}/${name}`);
  const mount = { destination: '/mnt', type: 'overlay', source: 'overlay', options };
  const proc = { destination: '/proc', type: 'proc', source: 'proc' };
  const found = await lines('echo x > /mnt/x; grep -o userxattr /proc/self/mountinfo', {
    mounts: [proc, mount],
  });
  t.strictSame(found, ['userxattr']);
  t.equal(readFileSync(`${place}/upper/x`, 'utf8'), 'x\n');
});

t.test('root of a user namespace needs no other', async (t) => {
  const own = [...asUser, 'unshare', '-U', '-r'];
  const script = 'id -u; cat /proc/self/uid_map; test -c /dev/null && echo node';
  const words = ['run', '-b', rig.bundle(['sh', '-c', script], { linux: { namespaces } }), 'inner'];
  const found = (await rig.ok(words, { through: own })).trim().split('\n');
  t.match(found, ['0', new RegExp(`^ +0 +${uid} +1$`), 'node']);
  t.strictSame(readdirSync(rig.root), []);
});
