/** podman with us as its runtime: what its options for limits, powers, namespaces and terminals come to inside. */

import t from 'tap';
import { image, needsPodman, said, startPodman } from './podman.ts';

needsPodman();
const { flags, podman, run } = await startPodman();

/** A file of the container's own cgroup, by v1's and v2's name. */
const cgroupFile = (controller: string, v1: string, v2: string): string =>
  `cat /sys/fs/cgroup/${controller}/${v1} /sys/fs/cgroup/${v2} 2>/dev/null`;
const memoryLimit = cgroupFile('memory', 'memory.limit_in_bytes', 'memory.max');
const processLimit = cgroupFile('pids', 'pids.max', 'pids.max');
const quota = cgroupFile('cpu', 'cpu.cfs_quota_us', 'cpu.max');
const lines = (text: string): string[] => text.trim().split('\n');

t.test('run: memory, processes, CPUs, devices; update changes them', async (t) => {
  const limits = ['--memory', '64m', '--pids-limit', '50', '--cpus', '0.5', '--cpuset-cpus', '0'];
  const device = ['--device', '/dev/full:/dev/mine:rw'];
  const background = await run('-d', '--name', 'two', ...limits, ...device, image, 'sleep', '1000');
  t.equal(background.code, 0, background.stderr);
  const look = `${memoryLimit}; ${processLimit}; ${quota} | cut -d" " -f1; grep Cpus_allowed_list /proc/self/status`;
  const seen = async () => lines((await podman('exec', 'two', 'sh', '-c', look)).stdout);
  t.strictSame(await seen(), [String(64 << 20), '50', '50000', 'Cpus_allowed_list:\t0']);
  const opened = await podman('exec', 'two', 'sh', '-c', 'head -c 3 /dev/mine | wc -c');
  t.equal(opened.stdout, '3\n');
  const update = await podman(
    'update',
    '--memory',
    '32m',
    '--memory-swap',
    '64m',
    '--cpus',
    '0.25',
    'two',
  );
  t.equal(update.code, 0, update.stderr);
  const [memory, processes, cpu] = await seen();
  t.strictSame([memory, processes, cpu], [String(32 << 20), '50', '25000']);
  t.equal((await podman('rm', '-f', '-t', '0', 'two')).code, 0);
});

t.test('run: killed for its memory', async (t) => {
  const greedy = 'x=$(head -c 100m /dev/zero | tr "\\0" x); echo $x';
  const limits = ['--memory', '16m', '--memory-swap', '16m'];
  t.equal((await run('--name', 'greedy', ...limits, image, 'sh', '-c', greedy)).code, 137);
  t.equal((await podman('rm', 'greedy')).code, 0);
});

t.test(
  'run: capabilities, system calls, kernel parameters, shared memory, privilege',
  async (t) => {
    const show =
      'grep CapEff /proc/self/status; cat /proc/sys/net/ipv4/ip_forward; df -k /dev/shm | tail -1';
    const options = ['--cap-drop', 'ALL', '--cap-add', 'CHOWN', '--shm-size', '8m'];
    const sysctl = ['--sysctl', 'net.ipv4.ip_forward=1'];
    const { stdout } = await run('--rm', ...options, ...sysctl, image, 'sh', '-c', show);
    t.match(stdout, /CapEff:\t0+1\n1\nshm +8192 /);
    const filtered = await run('--rm', image, 'grep', 'Seccomp:', '/proc/self/status');
    t.match(filtered.stdout, /\t2/, "podman's own profile");
    const open = await run(
      '--rm',
      '--privileged',
      image,
      'sh',
      '-c',
      'grep Seccomp: /proc/self/status; : < /dev/kmsg && echo kmsg',
    );
    t.match(open.stdout, /\t0\nkmsg/);
  },
);

t.test('run: a user namespace, and the namespaces of others', async (t) => {
  const maps = ['--uidmap', '0:100000:65536', '--gidmap', '0:100000:65536'];
  const mapped = await run('--rm', ...maps, image, 'sh', '-c', 'id -u; cat /proc/self/uid_map');
  // podman itself, before it calls us, where /sys is mounted more than once.
  if (mapped.stderr.includes('cannot unmount')) t.comment(`skipped: ${mapped.stderr}`);
  else t.match(mapped.stdout, /^0\n +0 +100000 +65536\n/, mapped.stderr);
  t.equal(
    (await run('-d', '--name', 'owner', '--ipc', 'shareable', image, 'sleep', '1000')).code,
    0,
  );
  const beside = ['--pid', 'container:owner', '--ipc', 'container:owner'];
  const joined = await run(
    '--rm',
    ...beside,
    image,
    'sh',
    '-c',
    'readlink /proc/1/ns/ipc; readlink /proc/self/ns/ipc; cat /proc/1/comm',
  );
  const [first, second, comm] = lines(joined.stdout);
  t.equal(first, second);
  t.equal(comm, 'sleep');
  await podman('rm', '-f', '-t', '0', 'owner');
});

t.test('exec -it: a terminal of its own; paused ones refuse', async (t) => {
  t.equal((await run('-d', '--name', 'three', image, 'sleep', '1000')).code, 0);
  const command = [
    'podman',
    ...flags,
    'exec',
    '-it',
    'three',
    'sh',
    '-c',
    "'tty; until stty size 2>/dev/null | grep -q 77; do sleep 0.1; done; stty size; exit 3'",
  ];
  const { code, stdout } = await said(
    'script',
    '-qec',
    `stty rows 33 cols 77; ${command.join(' ')}`,
    '/dev/null',
  );
  t.equal(code, 3);
  t.match(stdout, /^\/dev\/pts\/\d+\r\n33 77\r\n/);
  t.equal((await podman('pause', 'three')).code, 0);
  t.not((await podman('exec', 'three', 'true')).code, 0);
  t.equal((await podman('unpause', 'three')).code, 0);
  t.equal((await podman('exec', 'three', 'true')).code, 0);
  t.match((await podman('top', 'three', 'pid', 'comm')).stdout, /1 +sleep/);
  t.equal((await podman('restart', '-t', '0', 'three')).code, 0);
  t.equal((await podman('kill', 'three')).code, 0);
  t.equal((await podman('wait', 'three')).stdout, '137\n');
});
