/** A user to whom a cgroup v2 was delegated: his containers are counted, stand still and are killed as root's are. */

import { chownSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { runSteps } from '#native/spawn.ts';
import { v2MountOf } from '#node-agent/container/cgroups.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { until } from '../container/node.ts';
import { asUser, givesNamespaces, mapped, uid, userRig } from './rootless.ts';

needsRoot();
const v2 = v2MountOf(readFileSync('/proc/self/mountinfo', 'utf8'));
if (v2 === undefined || !givesNamespaces()) {
  t.pass('skipped', { skip: 'needs a cgroup v2 hierarchy, and user namespaces for users' });
  process.exit();
}

const rig = userRig(scratch('oci-rootless-cgroups')());

/** His: what delegation gives (cgroup-v2.rst, Delegation Containment). */
const delegated = `${v2}/bayplan-test-rootless-${process.pid}`;
mkdirSync(delegated);
for (const file of ['', '/cgroup.procs', '/cgroup.threads', '/cgroup.subtree_control']) {
  chownSync(delegated + file, uid, uid);
}
t.teardown(() => runSteps([['uproot', delegated, '']]));

const shell = `mkdir -p ${delegated}/shell; echo $$ > ${delegated}/shell/cgroup.procs`;
const inIt = ['sh', '-c', `${shell}; exec "$@"`, 'sh', ...asUser];
// The shell's own cgroup goes once nobody is in it.
const leave = () =>
  until('the shell to have left its cgroup', () => {
    try {
      rmdirSync(`${delegated}/shell`);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT';
    }
    return true;
  });
const ok = (words: readonly string[]) => rig.ok(words, { through: inIt });
const run = (words: readonly string[]) => rig.run(words, { through: inIt });
const sleeper = (script: string, linux: object = {}) =>
  rig.bundle(['sh', '-c', script], { linux: mapped({ cgroupsPath: null, ...linux }) });
const cgroupOf = (pid: number) =>
  /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';

t.test('a container is in a cgroup of the user’s', async (t) => {
  const script = 'cat /proc/self/cgroup | grep ^0:; sleep 1000 & sleep 1000 & wait';
  await ok(['run', '-d', '-b', sleeper(script), 'one']);
  const { pid } = JSON.parse(await ok(['state', 'one']));
  const directory = `${delegated}/bayplan-oci/one`;
  t.ok(directory.endsWith(cgroupOf(pid)), cgroupOf(pid));
  await ok(['exec', '-d', 'one', 'sleep', '1000']);
  const inside = readFileSync(`${directory}/cgroup.procs`, 'utf8').trim().split('\n').map(Number);
  t.equal(inside.length, 4, 'a further process, too');
  t.same(JSON.parse(await ok(['ps', '-f', 'json', 'one'])), inside);

  await ok(['pause', 'one']);
  t.match(readFileSync(`${directory}/cgroup.events`, 'utf8'), /^frozen 1$/m);
  t.match(JSON.parse(await ok(['list', '-f', 'json'])), [{ status: 'paused' }]);
  t.match(await run(['exec', 'one', 'true']), { code: 255, stderr: /is paused/ });
  await ok(['resume', 'one']);
  t.match(readFileSync(`${directory}/cgroup.events`, 'utf8'), /^frozen 0$/m);
  t.match(JSON.parse(await ok(['events', '--stats', 'one'])), { type: 'stats', id: 'one' });

  await ok(['kill', '--all', 'one', 'KILL']);
  t.equal(readFileSync(`${directory}/cgroup.procs`, 'utf8'), '');
  const ended = async () => JSON.parse(await ok(['state', 'one'])).status === 'stopped';
  await until('its first process to have ended', ended);
  await ok(['delete', 'one']);
  await leave();
  t.strictSame(
    readdirSync(delegated, { withFileTypes: true }).filter((entry) => entry.isDirectory()),
    [],
  );
});

t.test('its own part of the tree is all that it sees', async (t) => {
  const mounts = [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] },
  ];
  const script =
    'grep ^0: /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.procs; mkdir /sys/fs/cgroup/x';
  const bundle = rig.bundle(['sh', '-c', script], {
    mounts,
    linux: mapped({ cgroupsPath: '/a/b' }),
  });
  const { stdout, stderr } = await run(['run', '-b', bundle, 'inside']);
  t.match(stdout, /^0::\/\n1\n/);
  t.match(stderr, /Read-only/);
  await leave();
});

t.test('limits that it has no controllers for are refused, each by its field', async (t) => {
  const resources = { memory: { limit: 1e7 }, pids: { limit: 9 } };
  for (const through of [inIt, asUser]) {
    const { code, stderr } = await rig.run(
      ['run', '-b', sleeper('true', { resources }), 'limited'],
      { through },
    );
    t.equal(code, 1);
    t.match(stderr, /linux\.resources\.memory: user 1234 was given no cgroup controller memory;/);
    t.match(stderr, /linux\.resources\.pids: .* pids \(without root it takes a cgroup v2 that is/);
    t.strictSame(readdirSync(rig.root), []);
  }
  const free = { resources: { devices: [{ allow: false, access: 'rwm' }], memory: { limit: 0 } } };
  t.match(await run(['run', '-b', sleeper('true', free), 'free']), { code: 0, stderr: '' });
  await leave();
});

t.test('controllers that are handed down limit', async (t) => {
  // This machine's own v2 hierarchy may have none: hugetlb is v1's on none.
  const present = readFileSync(`${v2}/cgroup.controllers`, 'utf8').trim().split(' ');
  if (!present.includes('hugetlb')) return t.comment('this machine has no controller on v2');
  const control = `${v2}/cgroup.subtree_control`;
  const before = readFileSync(control, 'utf8').includes('hugetlb');
  try {
    writeFileSync(control, '+hugetlb');
  } catch {
    return t.comment('this v2 hierarchy begins with a cgroup that has processes of its own');
  }
  const [size = ''] = readdirSync(delegated)
    .filter((name) => /^hugetlb\..*\.max$/.test(name))
    .map((name) => name.split('.')[1] ?? '');
  const resources = { hugepageLimits: [{ pageSize: size, limit: 0 }] };
  await ok(['run', '-d', '-b', sleeper('exec sleep 1000', { resources }), 'huge']);
  const file = `${delegated}/bayplan-oci/huge/hugetlb.${size}.max`;
  t.equal(readFileSync(file, 'utf8'), '0\n');
  await ok(['delete', '-f', 'huge']);
  await leave();
  writeFileSync(`${delegated}/cgroup.subtree_control`, '-hugetlb');
  if (!before) writeFileSync(control, '-hugetlb');
});

t.test('where none was delegated, what needs one is refused', async (t) => {
  const here = { through: asUser };
  await rig.ok(['run', '-d', '-b', sleeper('exec sleep 1000'), 'none'], here);
  for (const words of [
    ['pause', 'none'],
    ['events', '--stats', 'none'],
    ['update', '--pids-limit', '5', 'none'],
  ]) {
    const { code, stderr } = await rig.run(words, here);
    t.equal(code, 1);
    t.match(stderr, / none: it has no cgroup: none was delegated to who made it, nor is he root/);
  }
  await rig.ok(['delete', '-f', 'none'], here);
});
