/** What sandboxes and containers may be given beyond what every one has, seen from inside. */

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import t from 'tap';
import type { SandboxSpec } from '#node-agent/container/runtime.ts';
import {
  containerSpec,
  exited,
  logText,
  run,
  sandboxSpec,
  startNode,
  stopNode,
  textOf,
  traces,
  until,
} from './node.ts';

const node = await startNode('settings');
t.teardown(() => stopNode(node));
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

t.test('umask, limits, a larger /dev/shm, a domain name', async (t) => {
  const { text } = await run(
    node,
    `umask; ulimit -Sn; ulimit -c; df -k /dev/shm | tail -1 | awk '{print $2}'; cat /proc/sys/kernel/domainname`,
    {
      umask: 0o027,
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: 99, hard: 100 },
        { type: 'core', soft: 0, hard: 0 },
      ],
    },
    { shmBytes: 1 << 20, domainname: 'example.org' },
  );
  t.strictSame(lines(text), ['0027', '99', '0', '1024', 'example.org']);
});

t.test('limits that make no sense are named', async (t) => {
  const wrong = [
    [[{ type: 'nothing', soft: 1, hard: 1 }], /limit nothing is none of/],
    [[{ type: 'core', soft: 2, hard: 1 }], /limit core: the soft limit is above/],
    [[{ type: 'core', soft: 1.5, hard: 2 }], /limit core: 1.5 is not a number/],
    [Array(2).fill({ type: 'core', soft: 1, hard: 1 }), /limit core is set twice/],
  ] as const;
  for (const [rlimits, message] of wrong)
    await t.rejects(run(node, 'true', { rlimits }), { message });
});

t.test('sysctls of the sandbox, and none that are the machine’s (CVE-2022-0811)', async (t) => {
  const before = readFileSync('/proc/sys/kernel/shmmni', 'utf8');
  const script = 'cat /proc/sys/kernel/shmmni /proc/sys/fs/mqueue/msg_max';
  const sysctls = { 'kernel.shmmni': '77', 'fs/mqueue/msg_max': '9' };
  t.strictSame(lines((await run(node, script, {}, { sysctls })).text), ['77', '9']);
  t.equal(readFileSync('/proc/sys/kernel/shmmni', 'utf8'), before);
  const wrong: [Partial<SandboxSpec>, RegExp][] = [
    [{ sysctls: { 'kernel.core_pattern': '|/bin/evil' } }, /core_pattern.*belongs to no namespace/],
    [{ sysctls: { 'kernel.shmmni': '1\nkernel.core_pattern=x' } }, /not one line of text/],
    [{ sysctls: { 'kernel.shmmni=1 kernel.core_pattern': 'x' } }, /is no name/],
    [{ sysctls: { 'net.ipv4/../../kernel/core_pattern': 'x' } }, /sysctl/],
    [{ sysctls: { 'net.ipv4.ip_forward': '1' } }, /belongs to the host's network/],
    [{ hostIpc: true, sysctls: { 'kernel.shmmni': '1' } }, /belongs to the host's ipc namespace/],
  ];
  for (const [sandbox, message] of wrong)
    await t.rejects(run(node, 'true', {}, sandbox), { name: 'StartError', message });
});

t.test('unmasked: the kernel’s files are seen and can be written', async (t) => {
  const script = 'head -c 1 /proc/timer_list | wc -c; mount | grep -c "/proc/sys "';
  t.strictSame(lines((await run(node, script, { unmasked: true })).text), ['1', '0']);
});

t.test('cgroups show the container’s own limits, and cannot be written', async (t) => {
  const script = `cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null
    find /sys/fs/cgroup -name cgroup.procs -o -name release_agent | while read f; do echo 1 2>/dev/null > $f && echo written $f; done
    grep -c cgroup /proc/mounts`;
  const { text } = await run(node, script, { resources: { memory: { limit: 64 << 20 } } });
  t.equal(lines(text)[0], String(64 << 20));
  t.notMatch(text, /written/);
});

t.test('init starts the program, waits for orphans, hands signals on', async (t) => {
  const script = `cat /proc/1/cmdline | tr '\\0' ' '; echo; (sleep 0.05 & ) ; sleep 0.2
    grep -l "State:.Z" /proc/[0-9]*/status | wc -l; kill -9 1; kill -TERM $$`;
  const { text, state } = await run(node, script, { init: true });
  t.equal(lines(text)[0], `/dev/init sh -c ${lines(script)[0]}`);
  t.equal(lines(text).at(-1), '0', 'no dead process is left lying');
  t.equal(state.exitCode, 143);
  t.strictSame(readdirSync(`${node.layer}/dev`), []);
  const missing = await run(node, '', { init: true, args: ['nowhere'] });
  t.equal(missing.state.exitCode, 127);
  t.match(missing.text, /init: nowhere: not found/);
});

t.test('init: a signal of the agent ends the program', async (t) => {
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  const args = ['sh', '-c', 'trap "echo told; exit 5" TERM; echo up; while :; do sleep 0.01; done'];
  const spec = containerSpec(node, sandbox.id, { args, init: true });
  await node.runtime.start(spec);
  await until('it to trap', () => logText(spec.logPath).includes('up'));
  await node.runtime.signal(spec.id, 15);
  t.equal((await exited(node, spec.id)).exitCode, 5);
  t.match(logText(spec.logPath), /told/);
  await node.runtime.remove(spec.id);
  await node.runtime.removeSandbox(sandbox.id);
});

t.test('a device of the host that was asked for, and no more than was', async (t) => {
  const devices = [{ hostPath: '/dev/zero', path: '/dev/mine', permissions: 'r' }];
  const { text } = await run(node, 'head -c 3 /dev/mine | wc -c; stat -c %t:%T /dev/mine', {
    devices,
  });
  t.strictSame(lines(text), ['3', '1:5']);
  const file = [{ hostPath: '/etc/passwd', path: '/dev/x', permissions: 'rwm' }];
  await t.rejects(run(node, 'true', { devices: file }), /device \/etc\/passwd: it is no device/);
  const evil = [{ hostPath: '/dev/zero', path: '/dev/x', permissions: 'rwm\nb *:* rwm' }];
  await t.rejects(run(node, 'true', { devices: evil }), /are not of r, w, m/);
});

t.test('Landlock closes what was not named', async (t) => {
  const landlock = { readOnly: ['/bin', '/dev', '/etc/passwd'], readWrite: ['/tmp'] };
  // What the shell complains of is on the other stream, whose parts may come between these lines.
  const script =
    'exec 2>/tmp/complaints; cat /etc/passwd; echo x > /tmp/x && echo tmp; ls /root || echo closed; echo x > /etc/passwd || echo fixed';
  const { text } = await run(node, script, { landlock });
  t.strictSame(lines(text), ['root:x:0:0:root:/root:/bin/sh', 'tmp', 'closed', 'fixed']);
});

t.test('read-only alone leaves what is mounted below, recursive does not', async (t) => {
  const volume = `${node.directory}/nested`;
  mkdirSync(`${volume}/below`, { recursive: true });
  const mounts = (recursiveReadonly: boolean) => [
    { type: 'bind' as const, source: '/dev', target: '/d', readonly: true, recursiveReadonly },
  ];
  const script = 'touch /d/shm/probe-$$ && rm /d/shm/probe-$$ && echo written; true';
  t.match((await run(node, script, { mounts: mounts(false) })).text, /written/);
  t.notMatch((await run(node, script, { mounts: mounts(true) })).text, /written/);
});

t.test('a user namespace: numbers of its own, volumes shown as they are', async (t) => {
  const volume = `${node.directory}/mapped`;
  mkdirSync(volume);
  writeFileSync(`${volume}/file`, 'x');
  const mounts = [
    { type: 'bind' as const, source: volume, target: '/data', readonly: false },
    { type: 'tmpfs' as const, target: '/scratch', readonly: false },
  ];
  const script = `id -u; cat /proc/self/uid_map; stat -c %u /data/file /scratch /bin /dev/null /dev/shm
    echo new > /data/new; stat -c %u /data/new; echo x > /dev/shm/x; echo again > /dev/stdout; sleep 1000`;
  const sandboxes = [0, 1].map(() => sandboxSpec(node, { userNamespace: 'auto' }));
  const specs = sandboxes.map(({ id }) =>
    containerSpec(node, id, {
      args: ['sh', '-c', script],
      mounts,
      user: { uid: 0, gid: 0, groups: [] },
    }),
  );
  for (const sandbox of sandboxes) await node.runtime.createSandbox(sandbox);
  for (const spec of specs) await node.runtime.start(spec);
  const said = (path: string) => lines(logText(path));
  await until('both to speak', () => specs.every(({ logPath }) => said(logPath).length >= 9));
  const [one = [], other = []] = specs.map(({ logPath }) => said(logPath));
  t.equal(one[0], '0');
  t.not(one[1], other[1], 'other numbers');
  t.strictSame(one.slice(2), ['0', '0', '0', '0', '0', '0', 'again']);
  t.equal(statSync(`${volume}/new`).uid, 0);
  const session = await node.runtime.exec(specs[0]?.id ?? '', {
    args: [
      'sh',
      '-c',
      'id -u; cat /proc/self/uid_map; grep CapEff /proc/self/status; hostname x || echo no',
    ],
    tty: true,
    stdin: false,
  });
  const answer = lines((await textOf(session.stdout)).replaceAll('\r', ''));
  t.strictSame(answer.slice(0, 2), ['0', one[1]]);
  for (const { id } of sandboxes) await node.runtime.removeSandbox(id);
  for (const { id } of specs) await node.runtime.remove(id);
});

t.test('one process namespace for all containers of a sandbox', async (t) => {
  const sandbox = sandboxSpec(node, { sharePid: true });
  await node.runtime.createSandbox(sandbox);
  const first = containerSpec(node, sandbox.id, { args: ['sleep', '1234'] });
  const second = containerSpec(node, sandbox.id, {
    args: [
      'sh',
      '-c',
      'cat /proc/1/cmdline; echo; ps; sleep 4321 & kill $(pidof sleep | cut -d" " -f2)',
    ],
  });
  await node.runtime.start(first);
  const session = await node.runtime.exec(first.id, { args: ['ps'], tty: false, stdin: false });
  t.match(await textOf(session.stdout), /1 .*\/init/);
  await node.runtime.start(second);
  await exited(node, second.id);
  t.match(lines(logText(second.logPath))[0], /^\/init/);
  t.match(logText(second.logPath), /sleep 1234/);
  await exited(node, second.id);
  t.equal((await exited(node, first.id)).signal, 15, 'killed by its neighbour');
  for (const { id } of [first, second]) await node.runtime.remove(id);
  await node.runtime.removeSandbox(sandbox.id);
});

t.test('nothing is left', async (t) => {
  t.strictSame(traces(node), []);
});
