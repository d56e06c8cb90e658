/** Profiles as files, and the default one. */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import t from 'tap';
import {
  allCapabilities,
  capabilityBits,
  defaultCapabilities,
} from '#node-agent/container/capabilities.ts';
import { allow, verdict } from '#node-agent/container/seccomp/actions.ts';
import { numbersOf } from '#node-agent/container/seccomp/architectures.ts';
import { compile } from '#node-agent/container/seccomp/compile.ts';
import { defaultProfile } from '#node-agent/container/seccomp/default-profile.ts';
import { defaultFilter, filterFor } from '#node-agent/container/seccomp/filter.ts';
import { readProfile } from '#node-agent/container/seccomp/read-profile.ts';
import { expected } from './reference.ts';
import { auditX86, type Call, checkProgram, run } from './simulator.ts';

const eperm = verdict('SCMP_ACT_ERRNO');
const enosys = verdict('SCMP_ACT_ERRNO', 38);
const kernel = '6.1.0-21-amd64';
const usual = capabilityBits(defaultCapabilities);

function decider(program: Uint8Array): (name: string, ...args: readonly bigint[]) => number {
  checkProgram(program);
  const simulate = run(program);
  return (name, ...args) => {
    const number = numbersOf('x86_64').get(name);
    if (number === undefined) throw new Error(`no system call ${name}`);
    return simulate({ number, args }).verdict;
  };
}

const defaultFor = (capabilities: bigint) => decider(defaultFilter(capabilities).program);

t.test('the default profile refuses what Docker refuses', async (t) => {
  const decide = defaultFor(usual);
  const refused = `mount umount2 pivot_root unshare setns reboot swapon kexec_load init_module bpf
    keyctl add_key request_key perf_event_open userfaultfd io_uring_setup open_by_handle_at
    syslog acct settimeofday clock_settime iopl ioperm quotactl fsopen open_tree move_mount kcmp pidfd_getfd
    sethostname setdomainname vhangup mbind uselib nfsservctl personality`;
  for (const name of refused.trim().split(/\s+/)) t.equal(decide(name, 5n), eperm, name);
  const allowed = `read write execve clone ptrace chroot prctl seccomp socket ioctl futex openat2
    pidfd_open mknod capset process_vm_readv arch_prctl modify_ldt personality`;
  for (const name of allowed.trim().split(/\s+/)) t.equal(decide(name), allow, name);
  t.equal(decide('clone3'), enosys, 'a library then takes clone');
  t.equal(decide('listns'), enosys, 'younger than the profile');
});

t.test('the default profile looks into clone, socket and personality', async (t) => {
  const decide = defaultFor(usual);
  t.equal(decide('clone', 0x3d0f00n), allow, 'a thread');
  for (const bit of [17, 25, 26, 27, 28, 29, 30])
    t.equal(decide('clone', 17n | (1n << BigInt(bit))), eperm, `clone flag ${bit}`);
  const refused = [12, 19, 20, 23, 25, 34, 37, 38, 40, 46];
  for (let family = 0; family < 60; family++) {
    const wanted = refused.includes(family) || family > 45 ? eperm : allow;
    t.equal(decide('socket', BigInt(family)), wanted, `family ${family}`);
  }
  t.equal(decide('socket', 0x1_0000_0002n), eperm, 'all 64 bits count');
  for (const value of [0n, 8n, 0x20000n, 0x20008n, 0xffffffffn])
    t.equal(decide('personality', value), allow);
  t.equal(decide('personality', 0x40000n), eperm, 'no address randomisation');
});

t.test('a capability gives back what it is for', async (t) => {
  const cases: readonly [string, string][] = [
    ['CAP_SYS_ADMIN', 'mount umount2 unshare setns clone3 bpf fsopen perf_event_open syslog'],
    ['CAP_SYS_BOOT', 'reboot'],
    ['CAP_SYS_MODULE', 'init_module finit_module delete_module'],
    ['CAP_SYS_TIME', 'settimeofday clock_settime'],
    ['CAP_SYS_PTRACE', 'kcmp pidfd_getfd process_madvise'],
    ['CAP_SYS_RAWIO', 'iopl ioperm'],
    ['CAP_SYS_NICE', 'mbind set_mempolicy get_mempolicy'],
    ['CAP_SYS_PACCT', 'acct'],
    ['CAP_SYSLOG', 'syslog'],
    ['CAP_BPF', 'bpf'],
    ['CAP_PERFMON', 'perf_event_open'],
    ['CAP_DAC_READ_SEARCH', 'open_by_handle_at'],
    ['CAP_SYS_TTY_CONFIG', 'vhangup'],
  ];
  for (const [capability, names] of cases) {
    const decide = defaultFor(usual | capabilityBits([capability]));
    for (const name of names.split(' ')) t.equal(decide(name), allow, `${capability}: ${name}`);
    t.equal(decide('keyctl'), eperm);
  }
  t.equal(defaultFor(0n)('chroot'), eperm);
  t.equal(defaultFor(capabilityBits(['SYS_ADMIN']))('clone', 0x10000000n), allow);
});

t.test('before Linux 4.8 nothing may be traced', async (t) => {
  const decide = decider(compile(defaultProfile({ capabilities: usual, kernel: '4.7.9' })).program);
  t.equal(decide('ptrace'), eperm);
});

t.test(
  'the default profile decides every number of every interface as its rules say',
  async (t) => {
    for (const capabilities of [usual, 0n, allCapabilities]) {
      const profile = defaultProfile({ capabilities, kernel });
      const { program, unknown } = compile(profile);
      t.strictSame(unknown, [], 'all names are known');
      const simulate = run(program);
      const differing = everyCall().filter(
        (call) => simulate(call).verdict !== expected(profile, call),
      );
      t.strictSame(differing, []);
      t.ok(program.length / 8 < 350, `${program.length / 8} instructions`);
    }
  },
);

function everyCall(): Call[] {
  const numbers = Array.from({ length: 600 }, (_, number) => number);
  return numbers.flatMap((number) =>
    [0n, 12n, 0x7e020000n].flatMap((argument) => [
      { number, args: [argument] },
      { number: number + 0x40000000, args: [argument] },
      { number, args: [argument], architecture: auditX86 },
    ]),
  );
}

t.test('capabilities that change nothing give the same program', async (t) => {
  t.equal(defaultFilter(usual), defaultFilter(usual | capabilityBits(['NET_ADMIN'])));
  t.not(defaultFilter(usual), defaultFilter(usual | capabilityBits(['SYS_ADMIN'])));
});

const base = { defaultAction: 'SCMP_ACT_ALLOW' };
const wrong: readonly [string, unknown, RegExp][] = [
  ['no object', [], /^the profile: expected /],
  ['no default', {}, /^defaultAction: expected an action, found missing$/],
  [
    'an unknown action',
    { defaultAction: 'ALLOW' },
    /^defaultAction: expected an action, found "ALLOW"$/,
  ],
  [
    'a listener',
    { defaultAction: 'SCMP_ACT_NOTIFY' },
    /^defaultAction: SCMP_ACT_NOTIFY needs a list/,
  ],
  [
    'an architecture',
    { ...base, architectures: ['x86'] },
    /^architectures\[0\]: expected an arch.* "x86"$/,
  ],
  ['a flag', { ...base, flags: ['LOG'] }, /^flags\[0\]: expected a flag, found "LOG"$/],
  ['no list', { ...base, syscalls: 'all' }, /^syscalls: expected .*, found "all"$/],
  [
    'no names',
    { ...base, syscalls: [{ names: ['a'], action: 'SCMP_ACT_KILL' }, { action: 'SCMP_ACT_KILL' }] },
    /^syscalls\[1\]\.names: at least one name/,
  ],
  [
    'an empty name',
    { ...base, syscalls: [{ names: [''], action: 'SCMP_ACT_KILL' }] },
    /^syscalls\[0\]\.names\[0\]: expected a name/,
  ],
  [
    'a number as name',
    { ...base, syscalls: [{ names: [1], action: 'SCMP_ACT_KILL' }] },
    /^syscalls\[0\]\.names\[0\]: expected string, found 1$/,
  ],
  [
    'an error number',
    { ...base, syscalls: [{ names: ['a'], action: 'SCMP_ACT_ERRNO', errnoRet: 4096 }] },
    /^syscalls\[0\]\.errnoRet: expected .* up to 4095, found 4096$/,
  ],
  ['a default error', { ...base, defaultErrnoRet: -1 }, /^defaultErrnoRet: .* found -1$/],
];
const argument = (args: unknown) => ({
  ...base,
  syscalls: [{ names: ['a'], action: 'SCMP_ACT_KILL', args: [args] }],
});
const wrongArguments: readonly [unknown, RegExp][] = [
  [{ index: 0, op: 'EQ' }, /^syscalls\[0\]\.args\[0\]\.op: expected an operator, found "EQ"$/],
  [{ index: 6, op: 'SCMP_CMP_EQ' }, /^syscalls\[0\]\.args\[0\]\.index: .* 0 to 5, found 6$/],
  [{ op: 'SCMP_CMP_EQ' }, /^syscalls\[0\]\.args\[0\]\.index: .* found missing$/],
  [{ index: 0, op: 'SCMP_CMP_EQ', value: 1.5 }, /\.value: expected a whole number.* found 1.5$/],
  [{ index: 0, op: 'SCMP_CMP_EQ', value: -1 }, /\.value: .* found -1$/],
  [{ index: 0, op: 'SCMP_CMP_EQ', valueTwo: '7' }, /\.valueTwo: .* found "7"$/],
];

t.test('a wrong profile is refused with the field and what is wrong in it', async (t) => {
  const circumstances = { capabilities: usual, kernel };
  const all = [
    ...wrong,
    ...wrongArguments.map(([args, message]) => ['an argument', argument(args), message] as const),
  ];
  for (const [name, content, message] of all) {
    const read = () => readProfile(JSON.stringify(content), circumstances);
    t.throws(read, { name: 'ProfileError', message }, name);
  }
  t.throws(() => readProfile('{"', circumstances), { message: /^not JSON: / });
  const overflow = JSON.stringify(argument({ index: 0, op: 'SCMP_CMP_EQ', value: 7 })).replace(
    '7',
    String(2n ** 64n),
  );
  t.throws(() => readProfile(overflow, circumstances), {
    message: /args\[0\]\.value: .* 18446744073709551616$/,
  });
});

t.test('numbers of 64 bits are read exactly, null is as good as nothing', async (t) => {
  const text = `{"defaultAction":"SCMP_ACT_ALLOW","defaultErrnoRet":null,"architectures":null,
    "flags":["SECCOMP_FILTER_FLAG_LOG"],
    "syscalls":[{"names":["socket"],"action":"SCMP_ACT_ERRNO","errnoRet":13,"includes":null,
      "args":[{"index":1,"op":"SCMP_CMP_EQ","value":18446744073709551615}]},
      {"name":"mkdir","action":"SCMP_ACT_ERRNO","args":null}]}`;
  const profile = readProfile(text, { capabilities: 0n, kernel });
  t.equal(profile.rules[0]?.conditions[0]?.value, 2n ** 64n - 1n);
  const decide = decider(compile(profile).program);
  t.equal(decide('socket', 0n, 2n ** 64n - 1n), verdict('SCMP_ACT_ERRNO', 13));
  t.equal(decide('socket', 0n, 2n ** 64n - 2n), allow);
  t.equal(decide('mkdir'), eperm);
});

t.test('of conditions on the same argument each counts alone, as in runc', async (t) => {
  const equal = (index: number, value: number) => ({ index, op: 'SCMP_CMP_EQ', value });
  const call = (names: string[], args: object[]) => ({ names, action: 'SCMP_ACT_ERRNO', args });
  const profile = readProfile(
    JSON.stringify({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        call(['socket'], [equal(0, 16), equal(0, 40)]),
        call(['ioctl'], [equal(1, 7), equal(2, 8)]),
      ],
    }),
    { capabilities: 0n, kernel },
  );
  const decide = decider(compile(profile).program);
  t.equal(decide('socket', 16n), eperm);
  t.equal(decide('socket', 40n), eperm);
  t.equal(decide('socket', 2n), allow);
  t.equal(decide('ioctl', 0n, 7n, 8n), eperm);
  t.equal(decide('ioctl', 0n, 7n, 9n), allow, 'different arguments: all must be met');
});

t.test("Docker's conditions are decided by capabilities, machine and kernel", async (t) => {
  const when = (name: string, change: object) => ({
    names: [name],
    action: 'SCMP_ACT_ALLOW',
    ...change,
  });
  const profile = readProfile(
    JSON.stringify({
      defaultAction: 'SCMP_ACT_ERRNO',
      archMap: [
        { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] },
        { architecture: 'SCMP_ARCH_S390X', subArchitectures: ['SCMP_ARCH_S390'] },
      ],
      syscalls: [
        when('mount', { includes: { caps: ['CAP_SYS_ADMIN'] } }),
        when('chroot', { includes: { caps: ['CAP_SYS_CHROOT'] } }),
        when('acct', { excludes: { caps: ['CAP_SYS_CHROOT'] } }),
        when('read', { includes: { arches: ['amd64', 'x32'] } }),
        when('write', { includes: { arches: ['s390x'] } }),
        when('open', { excludes: { arches: ['amd64'] } }),
        when('ptrace', { includes: { minKernel: '4.8' } }),
        when('bpf', { includes: { minKernel: '6.2' } }),
        when('listns', { includes: { caps: ['CAP_OF_TOMORROW'] } }),
      ],
    }),
    { capabilities: usual, kernel },
  );
  t.strictSame(profile.abis, ['x86_64', 'x86']);
  t.strictSame(
    profile.rules.flatMap(({ names }) => names),
    ['chroot', 'read', 'ptrace'],
  );
});

t.test('a profile file is used as it is now; one that cannot be used is an error', async (t) => {
  const directory = t.testdir({
    'deny.json': JSON.stringify({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'nonsense'], action: 'SCMP_ACT_ERRNO' }],
    }),
    'wrong.json': '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{}]}',
  });
  const path = `${directory}/deny.json`;
  const use = (file: string) => filterFor({ type: 'Localhost', path: file }, usual, 'x64');
  const first = await use(path);
  t.strictSame(first.unknown, ['nonsense']);
  t.equal(decider(first.program)('mkdir'), eperm);
  t.equal(await use(path), first, 'compiled once');
  writeFileSync(path, '{"defaultAction":"SCMP_ACT_ALLOW"}');
  t.equal(decider((await use(path)).program)('mkdir'), allow);
  await t.rejects(use(`${directory}/none.json`), {
    message: /^use the seccomp profile .*none.json: ENOENT/,
  });
  await t.rejects(use(''), { message: /ENOENT/ });
  await t.rejects(use(`${directory}/wrong.json`), {
    message: /wrong.json: syscalls\[0\]\.action: /,
  });
  mkdirSync(`${directory}/folder`);
  await t.rejects(use(`${directory}/folder`), { message: /not a file/ });
  truncateSync(path, 2 << 20);
  await t.rejects(use(path), { message: /larger than 1048576 bytes/ });
  await t.rejects(filterFor({ type: 'Localhost', path }, usual, 'arm64'), { message: /not arm64/ });
});

t.test('Unconfined is no program; on other machines there is no default', async (t) => {
  t.equal((await filterFor({ type: 'Unconfined' }, usual)).program.length, 0);
  t.equal((await filterFor({ type: 'RuntimeDefault' }, usual, 'arm64')).program.length, 0);
  const program = (await filterFor({ type: 'RuntimeDefault' }, usual, 'x64')).program;
  t.equal(program, defaultFilter(usual).program);
});
