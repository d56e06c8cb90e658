/** Several ids of a user, which newuidmap and newgidmap (package uidmap) give him as /etc/subuid and /etc/subgid say. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { asUser, givesNamespaces, mapped, uid, userRig } from './rootless.ts';

needsRoot();
const isHere = (name: string) => spawnSync(name, [], { stdio: 'ignore' }).error === undefined;
if (!['newuidmap', 'newgidmap'].every(isHere) || !givesNamespaces()) {
  t.pass('skipped', { skip: 'needs newuidmap, and user namespaces for users' });
  process.exit();
}

const rig = userRig(scratch('oci-rootless-maps')());
const first = 300_000;

/** A machine that knows the user and has ids for him. */
const etc = `${rig.directory}/etc`;
mkdirSync(etc);
writeFileSync(`${etc}/passwd`, `root:x:0:0::/:/bin/sh\nmapper:x:${uid}:${uid}::/:/bin/sh\n`);
for (const name of ['subuid', 'subgid']) writeFileSync(`${etc}/${name}`, `mapper:${first}:1000\n`);
const shown = ['passwd', 'subuid', 'subgid'].map(
  (name) => `touch /etc/${name}; mount --bind ${etc}/${name} /etc/${name}`,
);
const through = [
  ...['unshare', '-m', '--propagation', 'private', 'sh', '-c', `${shown.join('; ')}; exec "$@"`],
  ...['sh', ...asUser],
];

const range = (hostID: number, size: number, containerID: number) => ({
  containerID,
  hostID,
  size,
});
const many = [range(uid, 1, 0), range(first, 1000, 1)];
const both = (more: object = {}) => ({
  linux: mapped({ uidMappings: many, gidMappings: many }),
  ...more,
});
const run = (script: string, change: object) => {
  const bundle = rig.bundle(['sh', '-c', script], change as never);
  return rig.run(['run', '-b', bundle, 'many'], { through });
};

t.test('another user of the container is another one outside', async (t) => {
  const user = { uid: 33, gid: 44, additionalGids: [5, 55] };
  const script =
    'id -u; id -G; cat /proc/self/setgroups; touch /tmp/theirs && stat -c %u:%g /tmp/theirs';
  await rig.ok(['--version']);
  spawnSync('chmod', ['1777', `${rig.rootfs}/tmp`]);
  const { stdout, stderr } = await run(script, both({ process: { user } }));
  t.equal(stderr, '');
  t.equal(stdout, '33\n44 5 55\nallow\n33:44\n');
  t.match(statSync(`${rig.rootfs}/tmp/theirs`), { uid: first + 32, gid: first + 43 });
});

t.test('its streams are the user’s, terminals have their group', async (t) => {
  const process = { user: { uid: 33, gid: 44 }, capabilities: {} };
  const script = 'echo one > /dev/stdout; echo two';
  const words = ['run', '-b', rig.bundle(['sh', '-c', script], both({ process })), 'many'];
  const piped = { through: [...through, 'sh', '-c', '"$@" 2>&1 | cat', 'sh'] };
  t.equal(await rig.ok(words, piped), 'one\ntwo\n');
  const mounts = [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['gid=5'] },
  ];
  const seen = await run('grep -o "gid=.*" /proc/self/mountinfo', both({ mounts }));
  t.match(seen.stdout, `gid=${first + 4}`);
});

t.test('exec as somebody else, kill and delete', async (t) => {
  const words = ['run', '-d', '-b', rig.bundle(['sleep', '1000'], both()), 'many'];
  await rig.ok(words, { through });
  t.equal(await rig.ok(['exec', '-u', '7:8', '-g', '9', 'many', 'id', '-G'], { through }), '8 9\n');
  const { pid } = JSON.parse(await rig.ok(['state', 'many'], { through }));
  await rig.ok(['exec', '-d', '-u', '7:8', 'many', 'sleep', '1000'], { through });
  const pids = JSON.parse(await rig.ok(['ps', '-f', 'json', 'many'], { through })) as number[];
  t.equal(pids.length, 2);
  const other = pids.find((one) => one !== pid);
  t.match(readFileSync(`/proc/${other}/status`, 'utf8'), `Uid:\t${first + 6}\t`);
  await rig.ok(['delete', '-f', 'many'], { through });
});

t.test('ids that are not the user’s are refused', async (t) => {
  const theirs = [range(uid, 1, 0), range(first + 999, 2, 1)];
  for (const kind of ['uid', 'gid']) {
    const linux = mapped({ uidMappings: many, gidMappings: many, [`${kind}Mappings`]: theirs });
    const { code, stderr } = await run('true', { linux });
    t.equal(code, 1);
    const told = `linux\\.${kind}Mappings: new${kind}map refuses \\(.*not allowed\\): give the ids in /etc/sub${kind}`;
    t.match(stderr, new RegExp(told));
  }
  const unmapped = { user: { uid: 5000, gid: 0 } };
  const { code, stderr } = await run('true', both({ process: unmapped }));
  t.equal(code, 1);
  t.match(stderr, /process\.user\.uid: 5000 is not mapped/);
});
