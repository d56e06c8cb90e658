/** What a process is given: user, capabilities, limits, scheduling, directory, Landlock; seen by itself. */

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { processFlag } from '#native/protocol.ts';
import { wireMount } from '#node-agent/container/standard-mounts.ts';
import { needsRoot } from '../support/scratch.ts';
import { everyCapability } from './plain-container.ts';
import { layer, newDirectory, run } from './rig.ts';

needsRoot();
const status = (names: string): string => `grep -E "^(${names}):" /proc/self/status`;
const none = { bounding: 0n, effective: 0n, permitted: 0n, inheritable: 0n, ambient: 0n };
const chown = 1n;
const kill = 1n << 5n;
const rawNet = 1n << 13n;

t.test('user, group, further groups and umask', async (t) => {
  const process = { uid: 1000, gid: 1001, groups: [7, 8, 4_000_000_000], umask: 0o077 };
  t.strictSame(await run(`${status('Uid|Gid|Groups')}; umask`, { process }), [
    'Uid:\t1000\t1000\t1000\t1000',
    'Gid:\t1001\t1001\t1001\t1001',
    'Groups:\t7 8 4000000000 ',
    '0077',
  ]);
});

t.test('the five sets of capabilities, of a user that is not root', async (t) => {
  const capabilities = {
    bounding: chown | kill | rawNet,
    effective: chown,
    permitted: chown | kill,
    inheritable: chown | kill,
    ambient: kill,
  };
  const lines = await run(status('Cap.*'), { process: { uid: 1000, capabilities } });
  // execve(2): a program without file capabilities has the ambient ones, and keeps the inheritable.
  t.strictSame(lines, [
    'CapInh:\t0000000000000021',
    'CapPrm:\t0000000000000020',
    'CapEff:\t0000000000000020',
    'CapBnd:\t0000000000002021',
    'CapAmb:\t0000000000000020',
  ]);
});

t.test('the sets of root end at the bounding one', async (t) => {
  const capabilities = { ...none, bounding: chown, effective: chown, permitted: chown };
  t.strictSame(await run(status('Cap.*'), { process: { capabilities } }), [
    'CapInh:\t0000000000000000',
    'CapPrm:\t0000000000000001',
    'CapEff:\t0000000000000001',
    'CapBnd:\t0000000000000001',
    'CapAmb:\t0000000000000000',
  ]);
});

t.test('a capability that is not to be had falls away', async (t) => {
  const capabilities = { ...none, bounding: 1n << 60n, ambient: everyCapability };
  const lines = await run(status('CapBnd|CapAmb'), { process: { uid: 1, capabilities } });
  t.strictSame(lines, ['CapBnd:\t0000000000000000', 'CapAmb:\t0000000000000000']);
});

t.test('no_new_privs', async (t) => {
  t.strictSame(await run(status('NoNewPrivs'), { process: { flags: 0 } }), ['NoNewPrivs:\t0']);
  const flags = processFlag.noNewPrivileges;
  t.strictSame(await run(status('NoNewPrivs'), { process: { flags } }), ['NoNewPrivs:\t1']);
});

t.test('limits are set; one that may not be raised stays as high as it may be', async (t) => {
  const rlimits = [
    { resource: 7, soft: 100n, hard: 200n },
    { resource: 4, soft: 0n, hard: 0n },
    { resource: 3, soft: 2n ** 64n - 1n, hard: 2n ** 64n - 1n },
    { resource: 6, soft: 2n ** 63n, hard: 2n ** 63n },
  ];
  const lines = await run('ulimit -Sn; ulimit -Hn; ulimit -c; ulimit -s', { process: { rlimits } });
  t.strictSame(lines.slice(0, 3), ['100', '200', '0']);
  t.equal(lines[3], 'unlimited');
});

t.test('the OOM score is set, or left alone', async (t) => {
  const script = 'cat /proc/self/oom_score_adj';
  const flags = processFlag.oomScore;
  t.strictSame(await run(script, { process: { flags, oomScoreAdj: 500 } }), ['500']);
  const [left] = await run(script, { process: { oomScoreAdj: 500 } });
  t.not(left, '500');
});

function scheduler(policy: number, nice: number): Buffer {
  const attributes = Buffer.alloc(48);
  attributes.writeUInt32LE(48, 0);
  attributes.writeUInt32LE(policy, 4);
  attributes.writeInt32LE(nice, 16);
  return attributes;
}

t.test('scheduler, I/O priority, personality and CPUs', async (t) => {
  const batch = 3;
  const idleClass = 3 << 13;
  const process = {
    scheduler: scheduler(batch, 7),
    ioPriority: idleClass,
    personality: 0x40000, // ADDR_NO_RANDOMIZE
    lastCpus: Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]),
  };
  const script = `cut -d" " -f19,41 /proc/self/stat; ionice -p $$; cat /proc/self/personality; ${status('Cpus_allowed_list')}`;
  t.strictSame(await run(script, { process }), [
    '7 3',
    'idle',
    '00040000',
    'Cpus_allowed_list:\t0',
  ]);
  const nowhere = { lastCpus: Buffer.from([0, 0, 0, 0, 0, 0, 0, 0x80]) };
  await t.rejects(run('true', { process: nowhere }), /set the CPU affinity: errno 22/);
  await t.rejects(run('true', { process: { scheduler: scheduler(99, 0) } }), /set the scheduler/);
  await t.rejects(run('true', { process: { scheduler: Buffer.alloc(47) } }), /read the spec/);
});

t.test('the working directory is made where that was asked for, and lies inside', async (t) => {
  const flags = processFlag.makeCwd;
  t.strictSame(await run('pwd', { process: { cwd: '/made/for/it', flags } }), ['/made/for/it']);
  const missing = run('pwd', { process: { cwd: '/nowhere' } });
  await t.rejects(missing, /enter working directory \/nowhere: errno 2/);
});

t.test('no descriptor of the host leads the working directory out (CVE-2024-21626)', async (t) => {
  for (let fd = 3; fd < 16; fd++)
    for (const cwd of [`/proc/self/fd/${fd}`, `/proc/1/fd/${fd}/..`])
      await t.rejects(run('pwd', { process: { cwd } }), /errno (1|2|20|13)$/, cwd);
  const image = newDirectory();
  mkdirSync(`${image}/bin`);
  symlinkSync('/proc/self/fd/7', `${image}/way`);
  const layers = [image, layer];
  await t.rejects(run('pwd', { layers, process: { cwd: '/way' } }), /errno/);
});

t.test('Landlock leaves what the rules allow', async (t) => {
  const [execute, writeFile, readFile, readDirectory] = [1n, 2n, 4n, 8n];
  const handled = execute | writeFile | readFile | readDirectory;
  const read = execute | readFile | readDirectory;
  const landlock = {
    handled,
    rules: [
      { access: read, path: '/bin' },
      { access: handled, path: '/tmp' },
      { access: writeFile, path: '/dev/null' },
    ],
  };
  // What the shell complains of is on the other stream, whose parts may come between these lines.
  const script = `exec 2>/dev/null; ls /bin >/dev/null && echo bin; cat /etc/passwd || echo no etc; echo x > /tmp/x && cat /tmp/x
    echo x > /bin/x || echo read-only`;
  for (const flags of [0, processFlag.noNewPrivileges]) {
    const lines = await run(script, { process: { flags, landlock } });
    t.strictSame(lines, ['bin', 'no etc', 'x', 'read-only']);
  }
  const nowhere = { handled, rules: [{ access: read, path: '/nowhere' }] };
  await t.rejects(run('true', { process: { landlock: nowhere } }), /allow by Landlock \/nowhere/);
});

t.test('a label that the kernel does not have is told', async (t) => {
  const process = { apparmor: 'no-such-profile' };
  await t.rejects(run('true', { process }), /set label no-such-profile/);
  await t.rejects(run('true', { process: { selinux: 'not:a:label' } }), /set label not:a:label/);
});

t.test(
  'a label goes to the kernel, not where the image says /proc is (CVE-2019-16884)',
  async (t) => {
    const fake = newDirectory();
    for (const directory of ['self/attr', '1/attr', 'sys/net'])
      mkdirSync(`${fake}/${directory}`, { recursive: true });
    for (const file of ['self/attr/exec', '1/attr/exec', 'sys/net/x'])
      writeFileSync(`${fake}/${file}`, '');
    const over = wireMount({ kind: 1, flags: 1, source: fake, target: '/proc' });
    const refused = { more: [over], process: { selinux: 'not:a:label' } };
    await t.rejects(run('true', refused), /set label not:a:label/);
    const sysctls = [{ name: 'net/x', value: '1' }];
    await t.rejects(run('true', { more: [over], sysctls }), /set sysctl net\/x: errno 2/);
  },
);
