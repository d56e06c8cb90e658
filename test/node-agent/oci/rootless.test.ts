/** A caller without the host's rights: told what was denied, and what he lacks; nothing is left of what he tried. */

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import t from 'tap';
import { missingRights, withRights } from '#node-agent/oci/rights.ts';
import { stateRoot } from '#node-agent/oci/state-root.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { mapped, uid, asUser as user, userRig } from './rootless.ts';

needsRoot();
const rig = userRig(scratch('oci-rootless')());

const range = (hostID: number, size: number) => [{ containerID: 0, hostID, size }];
const one = range(uid, 1);
const two = [...one, { containerID: 1, hostID: 300_000, size: 10 }];

t.test('what a user cannot have is refused by its field, and nothing is left', async (t) => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [{}, /linux\.namespaces: without root a user namespace is needed .*or run it as root\n$/],
    [
      { linux: mapped({ uidMappings: two }) },
      /linux\.uidMappings: newuidmap .*map 1234 alone, which takes no help\n$/,
    ],
    [
      { linux: mapped({ gidMappings: range(0, 1) }) },
      /linux\.gidMappings: newgidmap .*map 1234 alone, which takes no help\n$/,
    ],
    [
      { linux: mapped(), process: { user: { uid: 0, gid: 0, additionalGids: [0] } } },
      /process\.user\.additionalGids: setgroups\(2\) is forbidden/,
    ],
    [
      {
        linux: mapped({ devices: [{ path: '/dev/none', type: 'c', major: 1, minor: 3 }] }),
      },
      /linux\.devices\[0\]: the host has no such device at \/dev\/none, and only root makes nodes/,
    ],
    [
      {
        linux: mapped({ devices: [{ path: '/dev/null', type: 'c', major: 1, minor: 5 }] }),
      },
      /linux\.devices\[0\]: the host has no such device at \/dev\/null/,
    ],
  ];
  for (const [change, told] of cases)
    for (const command of ['create', 'run']) {
      const words = [command, '-b', rig.bundle(['true'], change as never), 'refused'];
      const { code, stderr } = await rig.run(words, { through: user });
      t.equal(code, 1, command);
      t.match(stderr, told);
      t.notMatch(stderr, /^ +at /m, 'no stack');
      t.strictSame(readdirSync(rig.root), []);
    }
});

t.test('a kernel that gives no user namespaces is told of', async (t) => {
  const none = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
  const through = ['unshare', '-U', '-r', '-p', '-f', '--mount-proc', 'sh', '-c', none, 'sh'];
  const self = range(0, 1);
  const linux = mapped({ uidMappings: self, gidMappings: self });
  const root = `${rig.directory}/none`;
  const words = ['--root', root, 'run', '-b', rig.bundle(['true'], { linux }), 'none'];
  const { code, stderr } = await rig.run(words, { through });
  if (/unshare: /.test(stderr)) return t.comment('this kernel gives no user namespaces');
  t.equal(code, 1);
  t.match(stderr, /make a user namespace: .*; see user\.max_user_namespaces/);
});

t.test('what asks for no rights works, and what is not there is told as ever', async (t) => {
  t.equal(await rig.ok(['list', '-q'], { through: user }), '');
  t.match(await rig.ok(['features'], { through: user }), '"mountOptions"');
  for (const command of ['start', 'state', 'kill', 'delete', 'pause', 'resume', 'ps'])
    t.match(await rig.run([command, 'nobody'], { through: user }), {
      code: 1,
      stderr: /container "nobody" does not exist in [^(]*\n$/,
    });
});

t.test('another’s containers are not his to touch', async (t) => {
  await rig.ok(['run', '-d', '-b', rig.bundle(['sleep', '1000']), 'roots']);
  const attempts = [
    ['kill', 'roots', 'KILL'],
    ['delete', '-f', 'roots'],
    ['pause', 'roots'],
  ];
  for (const words of [...attempts, ['exec', 'roots', 'true']]) {
    const { code, stderr } = await rig.run(words, { through: user });
    t.not(code, 0, words.join(' '));
    t.match(stderr, /user 1234 lacks CAP_/, words.join(' '));
    t.notMatch(stderr, /^ +at /m, 'no stack');
  }
  t.equal((await rig.state('roots')).status, 'running');
  await rig.ok(['delete', '-f', 'roots']);
});

t.test('root of a user namespace is told that he is one', async (t) => {
  const through = [...user, 'unshare', '-U', '-r', '-m'];
  const words = ['--root', '/bayplan-oci-none', 'run', '-b', rig.bundle(['true']), 'inner'];
  const { code, stderr } = await rig.run(words, { through });
  if (/unshare: /.test(stderr)) return t.comment('this kernel gives users no user namespaces');
  t.equal(code, 1);
  t.match(stderr, /where state is kept \(--root\)/);
  const device = { destination: '/mnt', type: 'ext4', source: '/dev/vda', options: [] };
  const disk = rig.bundle(['true'], { mounts: [device] });
  const mount = await rig.run(['run', '-b', disk, 'inner'], { through });
  t.match(mount.stderr, /not permitted.* \(it runs as root of a user namespace, who may nothing/i);
  t.strictSame(readdirSync(rig.root), []);
});

t.test('state is kept in the session’s directory, or in one of the user’s own', (t) => {
  t.match(stateRoot(), '/run/bayplan-oci');
  const temporary = `${rig.directory}/temporary`;
  mkdirSync(temporary);
  chmodSync(temporary, 0o1777);
  const script = `import { stateRoot } from '${import.meta.resolve('#node-agent/oci/state-root.ts')}';
    console.log(stateRoot('${temporary}'));`;
  const ask = (session: string) =>
    spawnSync(user[0] ?? '', [...user.slice(1), process.execPath, '--input-type=module'], {
      input: script,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...(session === '' ? {} : { XDG_RUNTIME_DIR: session }) },
    });
  t.equal(ask('/session').stdout, '/session/bayplan-oci\n');
  const own = `${temporary}/bayplan-oci-${uid}`;
  t.equal(ask('').stdout, `${own}\n`);
  t.match(statSync(own), { uid, mode: 0o40700 });
  chownSync(own, 1235, 1235);
  t.match(ask('').stderr, /expected a directory of user 1234 that is closed to others/);
  rmSync(own, { recursive: true });
  symlinkSync('/etc', own);
  t.match(ask('').stderr, /expected a directory of user 1234 that is closed to others/);
  t.end();
});

t.test('only what was denied is explained, and only to who lacks something', (t) => {
  const status = (held: string) => `Uid:\t7\t8\t7\t7\nCapEff:\t${held}\n`;
  const everybody = '         0          0 4294967295\n';
  t.equal(missingRights({ status: status('000001ffffffffff'), uidMap: everybody }), undefined);
  const some = missingRights({ status: status('000001fff7dfffff'), uidMap: everybody });
  t.equal(some, 'user 8 lacks CAP_SYS_ADMIN, CAP_MKNOD: run it as root');
  const inner = { status: status('000001ffffffffff'), uidMap: '0 1000 1\n' };
  t.match(missingRights(inner), 'root of a user namespace');
  const busy = Object.assign(new Error('x'), { code: 'EBUSY' });
  t.equal(
    withRights(busy, () => inner),
    busy,
  );
  const cause = Object.assign(new Error('y'), { code: 'EACCES' });
  const outer = new Error('z', { cause });
  t.match(
    withRights(outer, () => inner),
    { message: /^z \(it runs as root of/, exitCode: 1 },
  );
  const full = { status: status('000001ffffffffff'), uidMap: everybody };
  t.equal(
    withRights(outer, () => full),
    outer,
  );
  t.end();
});
