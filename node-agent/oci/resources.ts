/** `linux.resources` of a bundle, or of `update`, as limits of a cgroup, and the writes that make them true. Pure. */

import type { Step } from '#native/spawn.ts';
import { checkResources } from '../container/cgroup-check.ts';
import { deviceSteps, holdsDevices } from '../container/cgroup-devices.ts';
import { limitSteps, unmetLimits } from '../container/cgroup-limits.ts';
import { type DeviceRule, ResourceError, type Resources } from '../container/cgroup-resources.ts';
import { createLeafSteps, createSteps, type Hierarchies } from '../container/cgroups.ts';
import { ConfigError, decodeAs } from './config/problem.ts';
import { ResourcesCodec, type ResourcesDocument, withoutNulls } from './config/resources.ts';
import type { Log } from './globals.ts';

/** Where a document of limits comes from, and where in it they are. */
export interface Source {
  readonly document: string;
  readonly at: string;
}

const ofBundle: Source = { document: 'config.json', at: 'linux.resources' };

/**
 * Go writes 0, or nothing between quotes, for what is not set: runc and crun pass these over. Not among them are those
 * whose 0 says something (`burst`, `idle`, `swappiness`).
 */
const emptyIsUnset: Readonly<Record<string, readonly string[]>> = {
  cpu: ['shares', 'quota', 'period', 'realtimeRuntime', 'realtimePeriod', 'cpus', 'mems'],
  memory: ['limit', 'reservation', 'swap', 'kernel', 'kernelTCP'],
  pids: ['limit'],
  blockIO: ['weight', 'leafWeight'],
  network: ['classID'],
};

type Group = Readonly<Record<string, unknown>>;

function withoutUnset(wanted: Group): Group {
  const groups = Object.entries(wanted).map(([name, group]) => {
    const unset = emptyIsUnset[name];
    if (unset === undefined) return [name, group];
    const kept = Object.entries(group as Group).filter(
      ([field, value]) => !unset.includes(field) || (value !== 0 && value !== ''),
    );
    return [name, Object.fromEntries(kept)];
  });
  return Object.fromEntries(groups.filter(([, group]) => Object.keys(group as object).length > 0));
}

type Rule = NonNullable<ResourcesDocument['devices']>[number];

/** One of all devices is about all of them: what it names beside that would be taken for a restriction it is not. */
function checkWide(rule: DeviceRule, index: number): void {
  const { allow, type = 'a', major = -1, minor = -1, access = 'rwm' } = rule;
  if (!allow || type !== 'a') return;
  const isWhole = major === -1 && minor === -1 && 'rwm'.split('').every((c) => access.includes(c));
  if (isWhole) return;
  const message = 'a rule that allows type a allows all devices: name c or b to allow fewer';
  throw new ResourceError(`devices[${index}]`, message);
}

/** `u` is another word for `c`; a pipe is no device; nothing at all is everything, as runc has it. */
function ruleOf({ allow, type, major, minor, access }: Rule): DeviceRule[] {
  if (type === 'p') return [];
  const kind = type === 'u' ? 'c' : type;
  return [
    {
      allow,
      ...(kind ? { type: kind } : {}),
      ...(major == null ? {} : { major }),
      ...(minor == null ? {} : { minor }),
      ...(access ? { access } : {}),
    },
  ];
}

/** @throws ConfigError naming every wrong field */
export function resourcesOf(content: unknown, source: Source = ofBundle): Resources {
  const document = decodeAs(ResourcesCodec, source.document, content ?? {}, source.at);
  const { devices, ...others } = document;
  const limits = withoutUnset(withoutNulls(others) as Group) as Resources;
  const rules = (devices ?? []).flatMap(ruleOf);
  const wanted = { ...limits, ...(devices == null ? {} : { devices: rules }) };
  return named(source, () => {
    rules.forEach(checkWide);
    checkResources(wanted);
    return wanted;
  });
}

/** Says where the limit is that cannot be. */
function named<T>({ document, at }: Source, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof ResourceError)) throw error;
    const [, message = error.message] = error.message.split(/: (.*)/s);
    const path = at === '' ? error.field : `${at}.${error.field}`;
    throw new ConfigError(document, [{ path, message }]);
  }
}

/**
 * What cannot be done here is refused: a container is not to run without the limit it was given.
 * @throws ConfigError naming the fields
 */
export function checkMet(
  hierarchies: Hierarchies,
  wanted: Resources,
  { log, source = ofBundle }: { readonly log: Log; readonly source?: Source },
): void {
  if ((wanted.memory?.kernel ?? 0) > 0) {
    log.warn('linux.resources.memory.kernel: not applied: no kernel has this limit any more');
  }
  const unmet = unmetLimits(hierarchies, wanted);
  if (unmet.length === 0) return;
  const at = source.at === '' ? '' : `${source.at}.`;
  const problems = unmet.map((text) => {
    const [path = '', message = ''] = text.split(/: (.*)/s);
    return { path: at + path, message };
  });
  throw new ConfigError(source.document, problems);
}

/** The cgroup a container's would be made in. */
const parentOf = (cgroup: string): string => cgroup.slice(0, cgroup.lastIndexOf('/'));

/**
 * Makes a container's cgroup with its limits. Only what is above it hands controllers down: v2 has no processes where
 * that is done.
 * @throws ConfigError for limits that this machine cannot keep
 */
export function placeSteps(
  hierarchies: Hierarchies,
  cgroup: string,
  wanted: Resources,
  log: Log,
): Step[] {
  const steps = limitedSteps(hierarchies, cgroup, wanted, log);
  if (!holdsDevices(hierarchies)) {
    const open = 'device nodes that are in the container already can be opened';
    log.warn(`linux.resources.devices: not enforced, this machine has no cgroups for it: ${open}`);
  }
  return [...steps, ...deviceSteps(hierarchies, cgroup, { ...wanted, privileged: false })];
}

function limitedSteps(hierarchies: Hierarchies, cgroup: string, wanted: Resources, log: Log) {
  checkMet(hierarchies, wanted, { log });
  return [
    ...createSteps(hierarchies, parentOf(cgroup), wanted),
    ...createLeafSteps(hierarchies, cgroup, wanted),
    ...named(ofBundle, () => limitSteps(hierarchies, cgroup, wanted)),
  ];
}

/**
 * The same for who has no rights on the host. In his containers no device is to be made, whatever the rules; that the
 * host's own be restricted further only root may ask for.
 * @throws ConfigError for limits that he may not set
 */
export function ownPlaceSteps(
  hierarchies: Hierarchies,
  cgroup: string,
  wanted: Resources,
  log: Log,
): Step[] {
  try {
    return limitedSteps(hierarchies, cgroup, wanted, log);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const given = `user ${process.geteuid?.()} was given`;
    const problems = error.problems.map(({ path, message }, index) => ({
      path,
      message:
        message.replace('this machine has', given) +
        (index === error.problems.length - 1 ? ` (${delegate})` : ''),
    }));
    throw new ConfigError('config.json', problems);
  }
}

/** What to do about it. */
const delegate =
  'without root it takes a cgroup v2 that is delegated with its controllers and has no processes of its own';
