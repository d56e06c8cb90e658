/** Which devices a cgroup's processes may open and make: v1's list, or v2's program. Pure. */

import type { Step } from '#native/spawn.ts';
import { deviceProgram } from './cgroup-device-program.ts';
import type { DeviceRule, Resources } from './cgroup-resources.ts';
import type { Hierarchies } from './cgroups.ts';

const standard = (type: 'c' | 'b', major: number, minor: number, access: string): DeviceRule => ({
  allow: true,
  type,
  major,
  minor,
  access,
});

/**
 * Docker's (moby, oci/devices and daemon defaults): may make any node, may open the standard ones, the terminals, and
 * nothing else.
 */
const standardRules: readonly DeviceRule[] = [
  standard('c', -1, -1, 'm'),
  standard('b', -1, -1, 'm'),
  standard('c', 1, 3, 'rwm'),
  standard('c', 1, 5, 'rwm'),
  standard('c', 1, 7, 'rwm'),
  standard('c', 1, 8, 'rwm'),
  standard('c', 1, 9, 'rwm'),
  standard('c', 5, 0, 'rwm'),
  standard('c', 5, 2, 'rwm'),
  standard('c', 136, -1, 'rwm'),
];

/** One device (or all of a kind) and what is excepted from the rule for all. */
export interface DeviceException {
  readonly type: 'c' | 'b';
  /** -1: any. */
  readonly major: number;
  readonly minor: number;
  /** Of `r`, `w`, `m`. */
  readonly access: ReadonlySet<string>;
}

/** What a list of rules comes to, as the v1 controller keeps it. */
export interface DevicePolicy {
  readonly allowsAll: boolean;
  readonly exceptions: readonly DeviceException[];
}

/** What v1's devices.allow and devices.deny make of these rules, one after the other, after a first `deny a`. */
export function devicePolicy(rules: readonly DeviceRule[]): DevicePolicy {
  let allowsAll = false;
  const exceptions = new Map<string, DeviceException & { access: Set<string> }>();
  for (const { allow, type = 'a', major = -1, minor = -1, access = 'rwm' } of rules) {
    if (type === 'a') {
      allowsAll = allow;
      exceptions.clear();
      continue;
    }
    const key = `${type} ${major}:${minor}`;
    const one = exceptions.get(key) ?? { type, major, minor, access: new Set<string>() };
    for (const letter of access) {
      if (allow === allowsAll) one.access.delete(letter);
      else one.access.add(letter);
    }
    if (one.access.size > 0) exceptions.set(key, one);
    else exceptions.delete(key);
  }
  return { allowsAll, exceptions: [...exceptions.values()] };
}

const number = (value: number): string => (value < 0 ? '*' : String(value));

function v1Step(directory: string, file: string, one: DeviceException): Step {
  const { type, major, minor, access } = one;
  const rule = `${type} ${number(major)}:${number(minor)} ${[...access].join('')}`;
  return ['write', `${directory}/devices.${file}`, rule];
}

function v1Steps(directory: string, { allowsAll, exceptions }: DevicePolicy): Step[] {
  const [all, one] = allowsAll ? ['allow', 'deny'] : ['deny', 'allow'];
  return [
    ['write', `${directory}/devices.${all}`, 'a'],
    ...exceptions.map((exception) => v1Step(directory, one, exception)),
  ];
}

/** What `exceptions` have and `others` have not. */
function without(exceptions: readonly DeviceException[], others: readonly DeviceException[]) {
  return exceptions.flatMap((one): DeviceException[] => {
    const { type, major, minor } = one;
    const same = others.find(
      (other) => other.type === type && other.major === major && other.minor === minor,
    );
    const access = new Set([...one.access].filter((letter) => same?.access.has(letter) !== true));
    return access.size === 0 ? [] : [{ ...one, access }];
  });
}

/** From one list to another without a moment in which what both allow is denied: only the differences. */
function v1ChangeSteps(directory: string, from: DevicePolicy, to: DevicePolicy): Step[] {
  if (from.allowsAll !== to.allowsAll) return v1Steps(directory, to);
  const [add, remove] = to.allowsAll ? ['deny', 'allow'] : ['allow', 'deny'];
  return [
    ...without(to.exceptions, from.exceptions).map((one) => v1Step(directory, add, one)),
    ...without(from.exceptions, to.exceptions).map((one) => v1Step(directory, remove, one)),
  ];
}

const stepsOf = (hierarchies: Hierarchies, path: string, policy: DevicePolicy): Step[] => {
  const { v1, v2 } = hierarchies;
  if (v1.devices !== undefined) return v1Steps(v1.devices + path, policy);
  if (v2 === undefined) return [];
  return [['devices', v2 + path, deviceProgram(policy).toString('hex')]];
};

/** Whether this machine can hold a container back from devices at all. */
export const holdsDevices = ({ v1, v2 }: Hierarchies): boolean =>
  v1.devices !== undefined || v2 !== undefined;

/** From `c 1:3 rwm`. */
function ruleOf(text: string): DeviceRule {
  const [type, numbers = '*:*', access = 'rwm'] = text.split(' ');
  const [major = -1, minor = -1] = numbers.split(':').map((part) => (part === '*' ? -1 : +part));
  return { allow: true, type: type === 'b' ? 'b' : 'c', major, minor, access };
}

/** Restricts devices; a privileged container's are left open unless rules of its own say otherwise. */
export function deviceSteps(
  hierarchies: Hierarchies,
  path: string,
  wanted: Pick<Resources, 'devices'> & {
    readonly privileged: boolean;
    /** Further rules that allow, as v1 writes them. */
    readonly more?: readonly string[];
  },
): Step[] {
  const { devices = [], privileged, more = [] } = wanted;
  if (privileged && devices.length === 0) return [];
  const rules = [...devices, ...standardRules, ...more.map(ruleOf)];
  return stepsOf(hierarchies, path, devicePolicy(rules));
}

/** From one list of rules to another, for a cgroup in use. Empty when they come to the same. */
export function deviceChangeSteps(
  hierarchies: Hierarchies,
  path: string,
  {
    from = [],
    to,
  }: { readonly from?: readonly DeviceRule[] | undefined; readonly to: readonly DeviceRule[] },
): Step[] {
  const [before, after] = [from, to].map((rules) => devicePolicy([...rules, ...standardRules]));
  if (before === undefined || after === undefined) return [];
  const { v1 } = hierarchies;
  if (v1.devices !== undefined) return v1ChangeSteps(v1.devices + path, before, after);
  return stepsOf(hierarchies, path, after);
}
