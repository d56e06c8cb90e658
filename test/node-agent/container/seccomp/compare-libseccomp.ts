/**
 * Compares our filters with libseccomp's for random profiles: for a developer, not part of the
 * suite. Needs Debian's libseccomp-dev and a C compiler.
 *
 *     SEED=1 node test/node-agent/container/seccomp/compare-libseccomp.ts [rounds]
 *
 * Compared is what libseccomp defines: one verdict a system call, an argument once a rule, and no
 * numbers above those that a profile names.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isErrno } from '#node-agent/container/seccomp/actions.ts';
import { type Abi, multiplexed, numbersOf } from '#node-agent/container/seccomp/architectures.ts';
import { compile } from '#node-agent/container/seccomp/compile.ts';
import { defaultProfile } from '#node-agent/container/seccomp/default-profile.ts';
import { operators, type Profile, type Rule } from '#node-agent/container/seccomp/profile.ts';
import { allNumbers, interestingArguments, Random, randomProfile } from './random.ts';
import { auditX64, auditX86, run } from './simulator.ts';

const source = `
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
int main(void) {
  char word[64], name[128];
  uint32_t action;
  int count, added = 0;
  scmp_filter_ctx ctx = 0;
  while (scanf("%63s %127s %" SCNu32 " %d", word, name, &action, &count) == 4) {
    if (!strcmp(word, "default")) {
      ctx = seccomp_init(action);
      seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
      seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    } else if (!strcmp(word, "arch")) {
      seccomp_arch_add(ctx, seccomp_arch_resolve_name(name));
    } else {
      struct scmp_arg_cmp args[6];
      for (int i = 0; i < count; i++) {
        int op;
        if (scanf("%u %d %" SCNu64 " %" SCNu64, &args[i].arg, &op, &args[i].datum_a,
                  &args[i].datum_b) != 4) return 1;
        args[i].op = (enum scmp_compare)op;
      }
      int number = seccomp_syscall_resolve_name(name);
      if (number == __NR_SCMP_ERROR) { fprintf(stderr, "%s\\n", name); continue; }
      int rc = seccomp_rule_add_array(ctx, action, number, count, args);
      if (rc) { fprintf(stderr, "rule %s: %d\\n", name, rc); return 2; }
      added++;
    }
  }
  if (seccomp_export_bpf(ctx, 1)) return 3;
  return 0;
}
`;

const directory = mkdtempSync(`${tmpdir()}/libseccomp-`);
process.on('exit', () => rmSync(directory, { recursive: true }));
writeFileSync(`${directory}/filter.c`, source);
execFileSync('cc', ['-O1', '-o', `${directory}/filter`, `${directory}/filter.c`, '-lseccomp']);

/** `enum scmp_compare` */
const operatorNumber = (name: (typeof operators)[number]): number => operators.indexOf(name) + 1;

function described(profile: Profile): string {
  const lines = [`default - ${profile.verdict} 0`];
  for (const abi of profile.abis) if (abi !== 'x86_64') lines.push(`arch ${abi} 0 0`);
  for (const { names, verdict, conditions } of profile.rules) {
    if (verdict === profile.verdict) continue;
    const args = conditions.map(
      ({ index, op, value, valueTwo }) => ` ${index} ${operatorNumber(op)} ${value} ${valueTwo}`,
    );
    for (const name of names)
      lines.push(`rule ${name} ${verdict} ${conditions.length}${args.join('')}`);
  }
  return `${lines.join('\n')}\n`;
}

const known = new Set(
  ['x86_64', 'x86', 'x32'].flatMap((abi) =>
    [...numbersOf('x86_64').keys(), ...numbersOf('x86').keys()].filter(
      (name) => resolved(abi, name) >= 0,
    ),
  ),
);

function resolved(abi: string, name: string): number {
  const numbers = abi === 'x86' ? numbersOf('x86') : numbersOf('x86_64');
  return (numbers.get(name) ?? -1) > 450 || name === 'uretprobe' || name === 'uprobe'
    ? -1
    : (numbers.get(name) ?? -1);
}

/** What both define: the first verdict of a name counts for it, each argument once. */
function comparable(profile: Profile): Profile {
  // libseccomp compares 32 bits on x86 and x32.
  const short = profile.abis.length > 1 ? 0xffffffffn : 0xffffffff_ffffffffn;
  const verdicts = new Map<string, number>();
  const rules = profile.rules.map((rule): Rule => {
    const conditions = rule.conditions
      .filter(({ index }, at) => rule.conditions.findIndex((one) => one.index === index) === at)
      .map((one) => ({ ...one, value: one.value & short, valueTwo: one.valueTwo & short }));
    const names = [...new Set(rule.names)].filter((name) => {
      const other = multiplexed(name) !== undefined || name === 'socketcall' || name === 'ipc';
      if (!known.has(name) || (other && profile.abis.includes('x86'))) return false;
      if (!verdicts.has(name)) verdicts.set(name, rule.verdict);
      return verdicts.get(name) === rule.verdict;
    });
    return { ...rule, conditions, names };
  });
  return { ...profile, rules: rules.filter(({ names }) => names.length > 0) };
}

function theirs(profile: Profile): Buffer {
  return execFileSync(`${directory}/filter`, {
    input: described(profile),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

function lastNumber({ rules }: Profile, abi: Abi): number {
  const numbers = numbersOf(abi);
  return Math.max(-1, ...rules.flatMap(({ names }) => names.map((n) => numbers.get(n) ?? -1)));
}

function compare(profile: Profile, random: Random): { calls: number; differing: string[] } {
  const [ours, other] = [run(compile(profile).program), run(theirs(profile))];
  const lasts = new Map(
    (['x86_64', 'x86', 'x32'] as const).map((abi) => [abi, lastNumber(profile, abi)]),
  );
  const differing: string[] = [];
  let calls = 0;
  for (const architecture of [auditX64, auditX86]) {
    for (const number of allNumbers.values(architecture)) {
      const isX32 = architecture === auditX64 && number >= 0x40000000;
      const greatest =
        lasts.get(isX32 ? 'x32' : architecture === auditX86 ? 'x86' : 'x86_64') ?? -1;
      if (isErrno(profile.verdict) && number > greatest) continue;
      for (const args of interestingArguments(random, profile)) {
        const isShort = isX32 || architecture === auditX86;
        const used = isShort ? args.map((value) => value & 0xffffffffn) : args;
        const call = { number, architecture, args: used };
        const [a, b] = [ours(call).verdict, other(call).verdict];
        calls++;
        if (a !== b) differing.push(`${number} ${architecture} ${used}: ${a} not ${b}`);
      }
    }
  }
  return { calls, differing };
}

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const random = new Random(seed);
let total = 0;
for (let round = 0; round < Number(process.argv[2] ?? 100); round++) {
  const profile = comparable(randomProfile(random));
  const { calls, differing } = compare(profile, random);
  total += calls;
  if (differing.length === 0) continue;
  console.log(`SEED=${seed} round ${round}: ${differing.length} differ`, differing.slice(0, 5));
  process.exitCode = 1;
}
console.log(`SEED=${seed}: ${total} calls compared`);

const whole = defaultProfile({ capabilities: 0xa80425fbn, kernel: '6.1' });
console.log(`default profile: ${compile(whole).program.length / 8} instructions`);
