/** The lines of the runtime-spec that the other tests have no look at: docs/reference/runtime-spec.md says which line is where. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { until } from '../container/node.ts';
import { namespaces, Rig } from './bundle.ts';

needsRoot();
const rig = new Rig(scratch('oci-checklist')());
let count = 0;

const run = (script: string, change: object = {}) =>
  rig.run(['run', '-b', rig.bundle(['sh', '-c', script], change as never), `line${count++}`]);

t.test('linux.timeOffsets: the clocks of a new time namespace', async (t) => {
  const timeOffsets = { boottime: { secs: 1_000_000_000 }, monotonic: { secs: 5, nanosecs: 7 } };
  const linux = { namespaces: [...namespaces, { type: 'time' }], timeOffsets };
  const script = 'cut -d. -f1 /proc/uptime; tr -s " \\t" " " < /proc/self/timens_offsets';
  const { stdout, stderr } = await run(script, { linux });
  t.equal(stderr, '');
  const [uptime, monotonic, boottime] = stdout.split('\n');
  t.ok(Number(uptime) > 1_000_000_000, `up for ${uptime} s`);
  t.match(monotonic, /^monotonic 5 7$/);
  t.match(boottime, /^boottime 1000000000 0$/);
});

t.test('linux.rootfsPropagation', async (t) => {
  const look = 'grep -E "^[0-9]+ [0-9]+ [^ ]+ [^ ]+ / " /proc/self/mountinfo';
  t.match((await run(look, { linux: { rootfsPropagation: 'shared' } })).stdout, / shared:\d+ /);
  t.notMatch(
    (await run(look, { linux: { rootfsPropagation: 'private' } })).stdout,
    /shared|master/,
  );
});

t.test('process.execCPUAffinity, of exec alone', async (t) => {
  await rig.ok(['run', '-d', '-b', rig.bundle(['sleep', '1000']), 'affinity']);
  const look = ['grep', 'Cpus_allowed_list', '/proc/self/status'];
  const process = { cwd: '/', args: look, env: ['PATH=/bin'], execCPUAffinity: { final: '0' } };
  writeFileSync(`${rig.directory}/affinity.json`, JSON.stringify(process));
  const file = `${rig.directory}/affinity.json`;
  t.match(await rig.ok(['exec', '-p', file, 'affinity']), /\t0\n/);
  await rig.ok(['delete', '-f', 'affinity']);
});

t.test('labels that this kernel has not are told by their field', async (t) => {
  const apparmor = await run('true', { process: { apparmorProfile: 'no-such-profile' } });
  t.match(apparmor, { code: 1, stderr: /set label no-such-profile/ });
  const selinux = await run('true', { process: { selinuxLabel: 'not:a:label' } });
  t.match(selinux, { code: 1, stderr: /set label not:a:label/ });
  const mount = await run('true', { linux: { mountLabel: 'not:a:label:s0' } });
  t.equal(mount.code, 1);
  t.match(mount.stderr, /linux\.mountLabel: this machine has no SELinux|context/);
});

t.test('linux.intelRdt is refused: no group of resctrl is made', async (t) => {
  const { code, stderr } = await run('true', { linux: { intelRdt: { closID: 'x' } } });
  t.match({ code, stderr }, { code: 1, stderr: /linux\.intelRdt: is not supported: no group of/ });
  t.equal((await run('true', { linux: { intelRdt: {}, netDevices: null } })).code, 0);
});

t.test('a namespace joined by path is of the kind that is named', async (t) => {
  const wrong = namespaces.map(({ type }) =>
    type === 'network' ? { type, path: '/proc/self/ns/ipc' } : { type },
  );
  const { code, stderr } = await run('true', { linux: { namespaces: wrong } });
  t.equal(code, 1);
  t.match(stderr, /join namespace \/proc\/self\/ns\/ipc/);
  const twice = [...namespaces, { type: 'pid' }];
  t.match((await run('true', { linux: { namespaces: twice } })).stderr, /pid is given twice/);
});

t.test('a cgroup namespace begins at the container’s own', async (t) => {
  const { stdout } = await run('cut -d: -f3 /proc/self/cgroup | sort -u');
  // Hierarchies that the container is in nothing of its own of show where it is from there.
  t.ok(stdout.split('\n').includes('/'), stdout);
  t.notMatch(stdout, rig.cgroups);
});

t.test(
  'mounts: owners by the mount’s own map, what the image has copied into a tmpfs',
  async (t) => {
    const data = `${rig.directory}/mapped`;
    mkdirSync(data);
    writeFileSync(`${data}/file`, '');
    const map = [{ containerID: 0, hostID: 5000, size: 10 }];
    const proc = { destination: '/proc', type: 'proc', source: 'proc' };
    const mapped = { destination: '/data', source: data, options: ['bind', 'idmap'] };
    const both = { ...mapped, uidMappings: map, gidMappings: map };
    const script = 'stat -c %u:%g /data/file; ls /etc | head -1';
    const copied = { destination: '/etc', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] };
    const { stdout, stderr } = await run(script, { mounts: [proc, both, copied] });
    t.match(stdout, /^5000:5000\n\S+\n/, stderr);
    const half = { ...mapped, uidMappings: map };
    t.match((await run('true', { mounts: [proc, half] })).stderr, /mounts\[1\]: .*together or not/);
  },
);

t.test('process: what is missing in the root, and what the working directory is', async (t) => {
  const missing = await rig.run(['run', '-b', rig.bundle(['/no/such/program']), 'missing']);
  t.equal(missing.code, 127);
  const here = await run('pwd', { process: { cwd: 'relative' } });
  t.match(here, { code: 1, stderr: /process\.cwd: expected an absolute path/ });
});

t.test('linux.devices: a file that is there already and is another is an error', async (t) => {
  const null_ = { path: '/dev/shared-null', type: 'c', major: 1, minor: 3 };
  const twice = await run('stat -c %t:%T /dev/shared-null', { linux: { devices: [null_, null_] } });
  t.match(twice, { code: 0, stdout: '1:3\n' }, 'the same is taken');
  const over = { linux: { devices: [{ ...null_, path: '/etc/passwd' }] } };
  const { code, stderr } = await run('true', over);
  t.equal(code, 1);
  t.match(stderr, /\/etc\/passwd/);
});

t.test('process.oomScoreAdj that is not there leaves the caller’s', async (t) => {
  const through = ['sh', '-c', 'echo 77 > /proc/self/oom_score_adj; exec "$@"', 'sh'];
  const bundle = rig.bundle(['cat', '/proc/self/oom_score_adj']);
  t.equal(await rig.ok(['run', '-b', bundle, 'oom'], { through }), '77\n');
});

t.test('process.consoleSize counts with a terminal alone', async (t) => {
  const process = { consoleSize: { width: 80, height: 24 } };
  t.match(await run('test -t 0 || echo none', { process }), { code: 0, stdout: 'none\n' });
});

t.test('kill takes what is created; the program never runs', async (t) => {
  const bundle = rig.bundle(['touch', '/killed-too-late']);
  await rig.ok(['create', '-b', bundle, 'created']);
  await rig.ok(['kill', 'created', 'KILL']);
  await until('stopped', async () => (await rig.state('created')).status === 'stopped');
  await rig.ok(['delete', 'created']);
  t.equal(existsSync(`${rig.rootfs}/killed-too-late`), false);
});

t.test('features: what callers look for (features.md)', async (t) => {
  const found = JSON.parse(await rig.ok(['features']));
  t.match(found, {
    ociVersionMin: /^1\./,
    ociVersionMax: /^1\.3/,
    annotations: Object,
    linux: {
      capabilities: Array,
      cgroup: { v1: true, v2: true, systemd: false, systemdUser: false },
      seccomp: { enabled: true, actions: Array, operators: Array, archs: Array, knownFlags: Array },
      apparmor: { enabled: Boolean },
      selinux: { enabled: Boolean },
      mountExtensions: { idmap: { enabled: true } },
      intelRdt: { enabled: false },
    },
  });
  const names = 'prestart createRuntime createContainer startContainer poststart poststop'.split(
    ' ',
  );
  t.strictSame([...found.hooks].sort(), names.sort());
  const kinds = 'cgroup ipc mount network pid time user uts'.split(' ');
  t.strictSame([...found.linux.namespaces].sort(), kinds);
  for (const word of ['rbind', 'nosymfollow', 'rro', 'ridmap', 'tmpcopyup'])
    t.ok(found.mountOptions.includes(word), word);
});
