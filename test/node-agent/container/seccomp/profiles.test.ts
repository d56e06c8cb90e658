/** Profiles as files: what is read, and what is refused with which words. */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { capabilityBits, defaultCapabilities } from '#node-agent/container/capabilities.ts';
import { allow, verdict } from '#node-agent/container/seccomp/actions.ts';
import { compile } from '#node-agent/container/seccomp/compile.ts';
import { defaultFilter, filterFor } from '#node-agent/container/seccomp/filter.ts';
import { readProfile } from '#node-agent/container/seccomp/read-profile.ts';
import { decider } from './simulator.ts';

const eperm = verdict('SCMP_ACT_ERRNO');
const kernel = '6.1.0-21-amd64';
const usual = capabilityBits(defaultCapabilities);

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
