/** What a profile means for one call, rule by rule and slowly: the filter must say the same. */

import { isErrno, type Verdict } from '#node-agent/container/seccomp/actions.ts';
import type { Abi } from '#node-agent/container/seccomp/architectures.ts';
import { multiplexed, numbersOf } from '#node-agent/container/seccomp/architectures.ts';
import type { Condition, Profile, Rule } from '#node-agent/container/seccomp/profile.ts';
import { auditX64, auditX86, type Call } from './simulator.ts';

const killProcess = 0x80000000;
const enosys = 0x00050026;

function meets(args: readonly bigint[], { index, op, value, valueTwo }: Condition): boolean {
  const argument = args[index] ?? 0n;
  switch (op) {
    case 'SCMP_CMP_EQ':
      return argument === value;
    case 'SCMP_CMP_NE':
      return argument !== value;
    case 'SCMP_CMP_LT':
      return argument < value;
    case 'SCMP_CMP_LE':
      return argument <= value;
    case 'SCMP_CMP_GE':
      return argument >= value;
    case 'SCMP_CMP_GT':
      return argument > value;
    case 'SCMP_CMP_MASKED_EQ':
      return (argument & value) === (valueTwo & value);
  }
}

/** Lower is stricter: the order of linux/seccomp.h. */
const order = [0x8000, 0x0000, 0x0003, 0x0005, 0x7fc0, 0x7ff0, 0x7ffc, 0x7fff];
const strictness = (verdict: Verdict): number => order.indexOf(verdict >>> 16);

function abiOf({ number, architecture = auditX64 }: Call): Abi | undefined {
  if (architecture === auditX86) return 'x86';
  if (architecture !== auditX64) return;
  return number >= 0x40000000 && number !== 0xffffffff ? 'x32' : 'x86_64';
}

/** Whether the rule names this call or the one it is made through, socketcall(2) or ipc(2), whatever its arguments. */
function isAbout(profile: Profile, rule: Rule, abi: Abi, name: string, number: number): boolean {
  if (numbersOf(abi).get(name) === number) return true;
  const other = abi === 'x86' ? multiplexed(name) : undefined;
  if (other === undefined || numbersOf(abi).get(other.multiplexer) !== number) return false;
  const refuses = strictness(rule.verdict) <= strictness(profile.verdict);
  return refuses || rule.conditions.length === 0;
}

/** Whether the rule is about this call with these arguments. */
function applies(profile: Profile, rule: Rule, abi: Abi, { number, args = [] }: Call): boolean {
  const own = rule.conditions.every((condition) => meets(args, condition));
  return rule.names.some((name) => {
    if (!isAbout(profile, rule, abi, name, number)) return false;
    if (numbersOf(abi).get(name) === number) return own;
    const other = multiplexed(name);
    return other !== undefined && meets(args, other.condition);
  });
}

const greatest = new WeakMap<Profile, Map<Abi, number>>();

function greatestNumber(profile: Profile, abi: Abi): number {
  const known = greatest.get(profile) ?? new Map<Abi, number>();
  greatest.set(profile, known);
  const numbers = profile.rules
    .flatMap(({ names }) => names)
    .flatMap((name) => [name, multiplexed(name)?.multiplexer ?? name])
    .map((name) => numbersOf(abi).get(name) ?? -1);
  const found = known.get(abi) ?? Math.max(-1, ...numbers);
  known.set(abi, found);
  return found;
}

/** The verdict that the profile demands. */
export function expected(profile: Profile, call: Call): Verdict {
  const abi = abiOf(call);
  if (abi === undefined || !profile.abis.includes(abi)) return killProcess;
  const last = greatestNumber(profile, abi);
  if (last >= 0 && call.number > last && isErrno(profile.verdict)) return enosys;
  const about = profile.rules
    .filter(({ verdict }) => verdict !== profile.verdict)
    .filter((rule) => rule.names.some((name) => isAbout(profile, rule, abi, name, call.number)));
  // Of two equally strict verdicts the one that stands first in the call's rules.
  const place = (verdict: Verdict) => about.findIndex((rule) => rule.verdict === verdict);
  const [strictest] = about
    .filter((rule) => applies(profile, rule, abi, call))
    .map(({ verdict }) => verdict)
    .sort((a, b) => strictness(a) - strictness(b) || place(a) - place(b));
  return strictest ?? profile.verdict;
}
