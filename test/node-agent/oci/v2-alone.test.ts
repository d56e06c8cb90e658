/**
 * A machine with cgroup v2 alone: the runtime runs where no v1 hierarchy is mounted. What needs no controller is
 * seen for real: where a container is, who may open what, freezing, killing; limits without controller are refused.
 */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { v2MountOf } from '#node-agent/container/cgroups.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { until } from '../container/node.ts';
import { namespaces, Rig, type RunOptions } from './bundle.ts';

needsRoot();
const v2 = v2MountOf(readFileSync('/proc/self/mountinfo', 'utf8'));
if (v2 === undefined) {
  t.pass('skipped', { skip: 'needs a cgroup v2 hierarchy' });
  process.exit();
}

const rig = new Rig(scratch('oci-v2')());
const remount = [
  'while umount -R -l /sys 2> /dev/null; do :; done',
  'mount -t sysfs sysfs /sys && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"',
].join('; ');
const through = ['unshare', '-m', '--propagation', 'private', 'sh', '-c', remount, 'sh'];
const run = (words: readonly string[], options: RunOptions = {}) =>
  rig.run(words, { ...options, through });
const ok = (words: readonly string[]) => rig.ok(words, { through });

const all = ['CAP_MKNOD', 'CAP_DAC_OVERRIDE', 'CAP_KILL'];
const makesNodes = { capabilities: { bounding: all, effective: all, permitted: all } };
const disk = 'mknod /dev/x b 7 0; (: < /dev/x) 2>&1; mknod /dev/z c 1 5 && head -c1 /dev/z | wc -c';

t.test('devices are held back by a program, nodes can be made', async (t) => {
  const bundle = rig.bundle(['sh', '-c', disk], { process: makesNodes });
  const { stdout, stderr } = await run(['run', '-b', bundle, 'nodes']);
  t.match(stdout, /\/dev\/x: Operation not permitted\n1\n/);
  t.equal(stderr, '', 'nothing is warned about');
  const rule = { allow: true, type: 'b', major: 7, minor: 0, access: 'r' };
  const allowed = rig.bundle(['sh', '-c', disk], {
    process: makesNodes,
    linux: { resources: { devices: [{ allow: false, access: 'rwm' }, rule] } },
  });
  t.notMatch(await ok(['run', '-b', allowed, 'nodes']), 'not permitted');
});

t.test('a container is in its cgroup, stands still when paused, and ends at once', async (t) => {
  const args = ['sh', '-c', 'sleep 1000 & sleep 1000 & wait'];
  const bundle = rig.bundle(args, { linux: { namespaces } });
  const { linux } = JSON.parse(readFileSync(`${bundle}/config.json`, 'utf8'));
  const directory = v2 + linux.cgroupsPath;
  await ok(['run', '-d', '-b', bundle, 'one']);
  const { pid } = await rig.state('one');
  t.match(
    readFileSync(`/proc/${pid}/cgroup`, 'utf8'),
    new RegExp(`^0::.*${linux.cgroupsPath}$`, 'm'),
  );
  await ok(['pause', 'one']);
  t.match(readFileSync(`${directory}/cgroup.events`, 'utf8'), /^frozen 1$/m);
  t.match(JSON.parse(await ok(['state', 'one'])), { status: 'paused' });
  t.match(await run(['exec', 'one', 'true']), { code: 255, stderr: /is paused/ });
  await ok(['resume', 'one']);
  t.match(JSON.parse(await ok(['state', 'one'])), { status: 'running' });
  await ok(['pause', 'one']);
  await ok(['kill', '-a', 'one', 'KILL']);
  t.match(readFileSync(`${directory}/cgroup.events`, 'utf8'), /^populated 0$/m);
  await ok(['delete', 'one']);
  t.notOk(existsSync(directory));
});

t.test('update replaces the program', async (t) => {
  const devices = [{ path: '/dev/mine', type: 'b', major: 7, minor: 0 }];
  await ok(['run', '-d', '-b', rig.bundle(['sleep', '1000'], { linux: { devices } }), 'two']);
  const can = async () => {
    const { stdout } = await run(['exec', 'two', 'sh', '-c', '(: < /dev/mine) 2>&1']);
    return !stdout.includes('Operation not permitted');
  };
  t.notOk(await can());
  const stdin = '{"devices":[{"allow":true,"type":"b","major":7,"minor":0,"access":"r"}]}';
  t.match(await run(['update', '-r', '-', 'two'], { stdin }), { code: 0, stderr: '' });
  t.ok(await can());
  await ok(['delete', '-f', 'two']);
});

t.test('limits: those of controllers that are there; the others are refused', async (t) => {
  const present = readFileSync(`${v2}/cgroup.controllers`, 'utf8').split(/\s+/);
  const limited = (resources: object) => rig.bundle(['sleep', '1000'], { linux: { resources } });
  if (present.includes('hugetlb')) {
    const bundle = limited({ hugepageLimits: [{ pageSize: '2MB', limit: 4 << 20 }] });
    const { linux } = JSON.parse(readFileSync(`${bundle}/config.json`, 'utf8'));
    const file = () => readFileSync(`${v2}${linux.cgroupsPath}/hugetlb.2MB.max`, 'utf8').trim();
    const { stderr } = await run(['run', '-d', '-b', bundle, 'huge']);
    if (stderr.includes('subtree_control: Device or resource busy'))
      return t.comment(`skipped: the tests are in the root of v2, as far as they see: ${stderr}`);
    t.equal(file(), String(4 << 20), stderr);
    const stdin = '{"unified":{"hugetlb.2MB.max":"2097152"}}';
    t.equal((await run(['update', '-r', '-', 'huge'], { stdin })).code, 0);
    t.equal(file(), '2097152');
    await ok(['delete', '-f', 'huge']);
  }
  if (present.includes('pids')) return;
  const { code, stderr } = await run(['create', '-b', limited({ pids: { limit: 5 } }), 'none']);
  t.equal(code, 1);
  t.match(stderr, /linux\.resources\.pids: this machine has no cgroup controller pids/);
});

t.test(
  'exec where the container’s cgroup hands controllers down: beside its first process',
  async (t) => {
    const pages = { hugepageLimits: [{ pageSize: '2MB', limit: 4 << 20 }] };
    const bundle = rig.bundle(['sleep', '1000'], { linux: { resources: pages } });
    const { code, stderr } = await run(['run', '-d', '-b', bundle, 'parent']);
    if (code !== 0) return t.comment(`skipped: needs a controller on v2: ${stderr}`);
    const { linux } = JSON.parse(readFileSync(`${bundle}/config.json`, 'utf8'));
    const directory = v2 + linux.cgroupsPath;
    const { pid } = await rig.state('parent');
    // As an init system in there does it.
    mkdirSync(`${directory}/inside/init`, { recursive: true });
    writeFileSync(`${directory}/inside/init/cgroup.procs`, String(pid));
    writeFileSync(`${directory}/cgroup.subtree_control`, '+hugetlb');
    const place = await run(['exec', 'parent', 'grep', '^0:', '/proc/self/cgroup']);
    t.match(place, { code: 0, stdout: '0::/inside/init\n', stderr: '' });
    t.equal((await run(['exec', 'parent', 'true'])).code, 0);
    await ok(['kill', '-a', 'parent', 'KILL']);
    await ok(['delete', '-f', 'parent']);
    t.notOk(existsSync(directory));
  },
);

t.test(
  'a cgroup that may be written belongs to the container’s user, its limits do not',
  async (t) => {
    const map = [{ containerID: 0, hostID: 100000, size: 1000 }];
    const shown = (...more: string[]) => [
      { destination: '/proc', type: 'proc', source: 'proc' },
      {
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['nosuid', ...more],
      },
    ];
    const config = (
      uid: number,
      mounts: object[],
      kinds: readonly { type: string }[] = namespaces,
    ) => ({
      mounts,
      process: { user: { uid, gid: uid } },
      linux: { namespaces: [...kinds, { type: 'user' }], uidMappings: map, gidMappings: map },
    });
    const script = [
      'cd /sys/fs/cgroup && mkdir -p mine/deeper && echo $$ > mine/cgroup.procs',
      'grep ^0: /proc/self/cgroup; (echo 1 > cgroup.freeze) 2>&1; sleep 1000',
    ].join('; ');
    const bundle = rig.bundle(['sh', '-c', script], config(7, shown()));
    const { linux } = JSON.parse(readFileSync(`${bundle}/config.json`, 'utf8'));
    const directory = v2 + linux.cgroupsPath;
    const owner = (file: string) => statSync(`${directory}/${file}`).uid;
    const { ended, said } = rig.start(['run', '-b', bundle, 'manager'], { through });
    await until('it has made a cgroup of its own', () => said().includes('cgroup.freeze'));
    t.match(said(), /^0::\/mine\n.*cgroup\.freeze: Permission denied/);
    for (const file of ['', 'cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control'])
      t.equal(owner(file), 100007, file);
    t.equal(owner('cgroup.freeze'), 0);
    await ok(['kill', '-a', 'manager', 'KILL']);
    await ended;
    t.notOk(existsSync(directory), 'what it made is removed with it');
    const ownerOfNext = async (change: object) => {
      const one = rig.bundle(['true'], change as never);
      const path = v2 + JSON.parse(readFileSync(`${one}/config.json`, 'utf8')).linux.cgroupsPath;
      await ok(['create', '-b', one, 'kept']);
      const { uid } = statSync(`${path}/cgroup.procs`);
      await ok(['delete', '-f', 'kept']);
      return uid;
    };
    t.equal(await ownerOfNext(config(0, shown())), 100000);
    t.equal(await ownerOfNext(config(0, shown('ro'))), 0, 'read-only');
    t.equal(await ownerOfNext(config(0, shown().slice(0, 1))), 0, 'not shown at all');
    const shared = namespaces.filter(({ type }) => type !== 'cgroup');
    t.equal(await ownerOfNext(config(0, shown(), shared)), 0, 'without a namespace');
  },
);
