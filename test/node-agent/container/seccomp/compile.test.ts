/** Profiles become programs that say the same. */
import t from 'tap';
import { allow, verdict } from '#node-agent/container/seccomp/actions.ts';
import { compile } from '#node-agent/container/seccomp/compile.ts';
import {
  type Condition,
  type Operator,
  operators,
  type Profile,
  type Rule,
} from '#node-agent/container/seccomp/profile.ts';
import { allNumbers, interestingArguments, Random, randomProfile } from './random.ts';
import { expected } from './reference.ts';
import { auditX64, auditX86, type Call, checkProgram, run } from './simulator.ts';

const kill = 0x80000000;
const eperm = verdict('SCMP_ACT_ERRNO');
const enosys = verdict('SCMP_ACT_ERRNO', 38);

const rule = (names: string, value: number, conditions: readonly Condition[] = []): Rule => ({
  names: names.split(' '),
  verdict: value,
  conditions,
});

const profile = (change: Partial<Profile> = {}): Profile => ({
  verdict: eperm,
  abis: ['x86_64'],
  rules: [],
  ...change,
});

/** A program the kernel would take, as a function. */
function program(of: Profile): (call: Call) => number {
  const bytes = compile(of).program;
  checkProgram(bytes);
  const simulate = run(bytes);
  return (call) => simulate(call).verdict;
}

t.test('what is named is allowed, what is not gets the default', async (t) => {
  const decide = program(profile({ rules: [rule('read write mkdir prctl', allow)] }));
  for (const number of [0, 1, 83, 157]) t.equal(decide({ number }), allow, `${number}`);
  for (const number of [2, 82, 84, 156]) t.equal(decide({ number }), eperm, `${number}`);
});

t.test('a call younger than all that is named does not exist', async (t) => {
  const decide = program(profile({ rules: [rule('read mkdir', allow)] }));
  for (const number of [84, 435, 0xffffffff]) t.equal(decide({ number }), enosys, `${number}`);
  const killing = program(
    profile({ verdict: verdict('SCMP_ACT_KILL'), rules: [rule('read', allow)] }),
  );
  t.equal(killing({ number: 435 }), 0, 'other defaults count for all');
});

t.test(
  'ways into the kernel that are not listed kill, listed ones have their numbers',
  async (t) => {
    const x32 = 0x40000000;
    const alone = program(profile({ rules: [rule('mkdir', allow)] }));
    t.equal(alone({ number: 39, architecture: auditX86 }), kill);
    t.equal(alone({ number: x32 + 83 }), kill);
    t.equal(alone({ number: 83, architecture: 0xc00000b7 }), kill, 'arm64');
    const all = program(
      profile({ abis: ['x86_64', 'x86', 'x32'], rules: [rule('mkdir execve', allow)] }),
    );
    t.equal(all({ number: 39, architecture: auditX86 }), allow);
    t.equal(all({ number: 38, architecture: auditX86 }), eperm);
    t.equal(all({ number: x32 + 83 }), allow);
    t.equal(all({ number: x32 + 59 }), eperm, 'x32 has another execve');
    t.equal(all({ number: x32 + 520 }), allow);
    t.equal(all({ number: 83, architecture: 0xc00000b7 }), kill, 'arm64');
  },
);

const big = 0x1_0000_0005n;
const operatorCases: readonly [
  Operator,
  value: bigint,
  two: bigint,
  meets: bigint[],
  not: bigint[],
][] = [
  ['SCMP_CMP_EQ', big, 0n, [big], [5n, 0x1_0000_0004n, 0x2_0000_0005n]],
  ['SCMP_CMP_NE', big, 0n, [5n, 0x1_0000_0004n, 0x2_0000_0005n], [big]],
  ['SCMP_CMP_LT', big, 0n, [0n, 6n, 0x1_0000_0004n], [big, 0x1_0000_0006n, 0x2_0000_0000n]],
  ['SCMP_CMP_LE', big, 0n, [0n, 6n, big], [0x1_0000_0006n, 0x2_0000_0000n]],
  ['SCMP_CMP_GE', big, 0n, [big, 0x2_0000_0000n, 2n ** 64n - 1n], [6n, 0x1_0000_0004n]],
  ['SCMP_CMP_GT', big, 0n, [0x1_0000_0006n, 0x2_0000_0000n], [big, 6n]],
  ['SCMP_CMP_MASKED_EQ', 0xf0n, 0x20n, [0x20n, 0x12fn, 0x5_0000_0020n], [0x30n, 0n]],
  ['SCMP_CMP_MASKED_EQ', 0xf_0000_0001n, 0x2_0000_0001n, [0x12_0000_0003n], [0x2_0000_0000n, 1n]],
  ['SCMP_CMP_MASKED_EQ', 0n, 0xffn, [0n, 7n], []],
  ['SCMP_CMP_LT', 0n, 0n, [], [0n, 1n, 2n ** 64n - 1n]],
  ['SCMP_CMP_GT', 2n ** 64n - 1n, 0n, [], [0n, 2n ** 64n - 1n]],
  ['SCMP_CMP_GE', 0n, 0n, [0n, 2n ** 64n - 1n], []],
  ['SCMP_CMP_LE', 0xffffffffn, 0n, [0n, 0xffffffffn], [0x1_0000_0000n, 2n ** 64n - 1n]],
  ['SCMP_CMP_EQ', 2n ** 64n - 1n, 0n, [2n ** 64n - 1n], [0xffffffffn, 0n]],
];

t.test('arguments are compared with all their 64 bits', async (t) => {
  t.strictSame([...new Set(operatorCases.map(([op]) => op))].sort(), [...operators].sort());
  for (const [op, value, valueTwo, meets, not] of operatorCases) {
    for (const index of [0, 5]) {
      const condition = { index, op, value, valueTwo };
      const decide = program(profile({ rules: [rule('socket', allow, [condition])] }));
      const at = (argument: bigint) =>
        decide({ number: 41, args: [...Array(index).fill(7n), argument] });
      for (const argument of meets) t.equal(at(argument), allow, `${argument} ${op} ${value}`);
      for (const argument of not) t.equal(at(argument), eperm, `not ${argument} ${op} ${value}`);
    }
  }
});

t.test('of several rules that match the strictest counts, whatever their order', async (t) => {
  const low = { index: 0, op: 'SCMP_CMP_LT' as const, value: 10n, valueTwo: 0n };
  const two = { index: 0, op: 'SCMP_CMP_EQ' as const, value: 2n, valueTwo: 0n };
  const flags = { index: 1, op: 'SCMP_CMP_MASKED_EQ' as const, value: 4n, valueTwo: 4n };
  const rules = [
    rule('socket', allow, [low]),
    rule('socket', enosys, [two]),
    rule('socket', verdict('SCMP_ACT_TRAP'), [two, flags]),
    rule('socket', eperm, []),
  ];
  for (const some of [rules, rules.toReversed()]) {
    const decide = program(profile({ rules: some }));
    t.equal(decide({ number: 41, args: [1n] }), allow);
    t.equal(decide({ number: 41, args: [2n] }), enosys);
    t.equal(decide({ number: 41, args: [2n, 6n] }), verdict('SCMP_ACT_TRAP'));
    t.equal(decide({ number: 41, args: [10n] }), eperm);
  }
});

t.test('socketcall and ipc of 32-bit programs are no way around', async (t) => {
  const x86 = (number: number, args: bigint[]) => ({ number, args, architecture: auditX86 });
  const inet = { index: 0, op: 'SCMP_CMP_EQ' as const, value: 2n, valueTwo: 0n };
  const denied = program(
    profile({
      verdict: allow,
      abis: ['x86_64', 'x86'],
      rules: [rule('socket', eperm, [inet]), rule('shmat', eperm)],
    }),
  );
  t.equal(denied(x86(102, [1n])), eperm, 'socketcall(SYS_SOCKET)');
  t.equal(denied(x86(102, [2n])), allow, 'socketcall(SYS_BIND)');
  t.equal(denied(x86(359, [2n])), eperm, 'socket itself');
  t.equal(denied(x86(359, [3n])), allow);
  t.equal(denied(x86(117, [21n])), eperm, 'ipc(SHMAT)');
  t.equal(denied(x86(117, [0x10015n])), eperm, 'ipc(SHMAT) of another version');
  t.equal(denied(x86(117, [22n])), allow);
  const allowed = program(
    profile({
      abis: ['x86_64', 'x86'],
      rules: [rule('socket', allow, [inet]), rule('bind', allow)],
    }),
  );
  t.equal(allowed(x86(102, [1n])), eperm, 'what is allowed to some only is not seen there');
  t.equal(allowed(x86(102, [2n])), allow);
});

t.test('names that are no system call are passed over and told', async (t) => {
  const { unknown } = compile(profile({ rules: [rule('read nonsense chown32 accept', allow)] }));
  t.strictSame(unknown, ['nonsense']);
});

t.test('jumps over more than 255 instructions lead where they should', async (t) => {
  const rules = allNumbers.x86_64.slice(0, 200).map((name, index) =>
    rule(name, verdict('SCMP_ACT_ERRNO', index + 2), [
      { index: 1, op: 'SCMP_CMP_MASKED_EQ', value: 0xff_000000ffn, valueTwo: BigInt(index) },
      { index: 2, op: 'SCMP_CMP_NE', value: BigInt(index), valueTwo: 0n },
    ]),
  );
  const wide = profile({ rules });
  const bytes = compile(wide).program;
  t.ok(bytes.length / 8 > 1000, `${bytes.length / 8} instructions`);
  const decide = program(wide);
  for (let number = 0; number < 400; number++) {
    for (const second of [BigInt(number), 1n]) {
      const call = { number, args: [0n, second, 3n] };
      if (decide(call) !== expected(wide, call)) t.fail(`${number} ${second}`);
    }
  }
});

t.test('a profile that needs more than the kernel takes is refused', async (t) => {
  const rules = Array.from({ length: 3000 }, (_, index) =>
    rule('ioctl', allow, [
      { index: 1, op: 'SCMP_CMP_MASKED_EQ', value: 0xffn, valueTwo: BigInt(index + 1) },
      { index: 2, op: 'SCMP_CMP_EQ', value: BigInt(index), valueTwo: 0n },
    ]),
  );
  t.throws(() => compile(profile({ rules })), {
    name: 'ProgramTooLarge',
    message: /has \d+ instructions, the kernel takes 4096/,
  });
  const far = Array.from({ length: 200_000 }, () => rules[0] as Rule);
  t.throws(() => compile(profile({ rules: [...rules, ...far] })), { name: 'ProgramTooLarge' });
});

t.test('random profiles decide every system call as their rules say', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  t.comment(`SEED=${seed}`);
  const random = new Random(seed);
  for (let round = 0; round < 25; round++) {
    const one = randomProfile(random);
    const decide = program(one);
    for (const architecture of [auditX64, auditX86]) {
      for (const number of allNumbers.values(architecture)) {
        for (const args of interestingArguments(random, one)) {
          const call = { number, architecture, args };
          const [said, wanted] = [decide(call), expected(one, call)];
          if (said !== wanted) {
            t.equal(said, wanted, `SEED=${seed} round ${round}: ${number} of ${architecture}`);
            return;
          }
        }
      }
    }
  }
  t.pass('all the same');
});
