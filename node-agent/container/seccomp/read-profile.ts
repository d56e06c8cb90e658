/**
 * Profiles as files: `linux.seccomp` of the OCI runtime-spec, and Docker's extension of it
 * (`archMap`, `includes`, `excludes`, `name` for `names`). Pure.
 */

import { type Action, verdict } from './actions.ts';
import { type Abi, architectures } from './architectures.ts';
import { type Circumstances, isMeant } from './circumstances.ts';
import {
  type Document,
  decodeDocument,
  ProfileError,
  parseJson,
  type Syscall,
} from './document.ts';
import { asksAt } from './listener.ts';
import type { Condition, Profile, Rule } from './profile.ts';

const verdictOf = (action: Action, errnoRet: bigint | null | undefined): number =>
  typeof errnoRet === 'bigint' ? verdict(action, Number(errnoRet)) : verdict(action);

const conditionsOf = ({ args }: Syscall): Condition[] =>
  (args ?? []).map(({ index, op, value = 0n, valueTwo = 0n }) => ({
    index: Number(index),
    op,
    value,
    valueTwo,
  }));

/**
 * Conditions are met together, but where one argument is asked for twice each counts alone:
 * profiles are written for runc and crun, which do so because libseccomp takes an argument only
 * once.
 */
function alternatives(conditions: readonly Condition[]): (readonly Condition[])[] {
  const indices = new Set(conditions.map(({ index }) => index));
  return indices.size === conditions.length ? [conditions] : conditions.map((one) => [one]);
}

function rulesOf(syscall: Syscall, index: number): Rule[] {
  const path = `syscalls[${index}]`;
  const names = [...(syscall.names ?? []), ...(syscall.name ? [syscall.name] : [])];
  if (names.length === 0) throw new ProfileError([`${path}.names: at least one name is needed`]);
  const empty = names.indexOf('');
  if (empty >= 0) throw new ProfileError([`${path}.names[${empty}]: expected a name, found ""`]);
  const verdict = verdictOf(syscall.action, syscall.errnoRet);
  return alternatives(conditionsOf(syscall)).map((conditions) => ({ names, verdict, conditions }));
}

function abisOf({ architectures: listed, archMap }: Document): Abi[] {
  const mapped = (archMap ?? [])
    .filter(({ architecture }) => architectures[architecture] === 'x86_64')
    .flatMap(({ subArchitectures }) => subArchitectures ?? []);
  const abis = [...(listed ?? []), ...mapped].map((name) => architectures[name]);
  return [...new Set(['x86_64' as const, ...abis.filter((abi) => abi !== undefined)])];
}

/**
 * What a profile says. Docker's conditions are decided by `circumstances`; rules that do not apply
 * are left out.
 * @throws ProfileError naming every field that is wrong
 */
export function profileOf(document: Document, circumstances: Circumstances): Profile {
  const rules = (document.syscalls ?? []).flatMap((syscall, index) => {
    const ofSyscall = rulesOf(syscall, index);
    return isMeant(syscall, circumstances) ? ofSyscall : [];
  });
  return {
    verdict: verdictOf(document.defaultAction, document.defaultErrnoRet),
    abis: abisOf(document),
    rules,
  };
}

/**
 * The same for the text of a file.
 * @throws ProfileError also for one that asks another process for its decisions: there is nobody to ask
 */
export function readProfile(text: string, circumstances: Circumstances): Profile {
  let content: unknown;
  try {
    content = parseJson(text);
  } catch (cause) {
    throw new ProfileError([`not JSON: ${(cause as Error).message}`]);
  }
  const document = decodeDocument(content);
  const [at] = asksAt(document);
  if (at !== undefined) {
    throw new ProfileError([`${at}: SCMP_ACT_NOTIFY needs a listener, which pods do not have`]);
  }
  return profileOf(document, circumstances);
}
