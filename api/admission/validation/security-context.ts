/** What runs as whom and how confined: the security contexts of pods and containers (`ValidatePodSecurityContext`). */
import { isObject, type JsonObject, objectsOf, stringOr } from '#api/resources/json.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkOneOf,
  checkUnique,
  inEach,
  invalidValue,
  notSupported,
  required,
  together,
  tooLong,
} from './causes.ts';

const sysctlLengthMax = 253;
const segment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
/** `net/ipv4/…` is another way to write `net.ipv4.…`. */
const sysctlPattern = `^(${segment}[\\./])*${segment}$`;
const sysctlName = new RegExp(sysctlPattern);

function checkSysctls(field: string, sysctls: readonly JsonObject[]): StatusCause[] {
  const names = sysctls.map(({ name }) => stringOr(name));
  const wrong = inEach(names, (name, i) => {
    const path = `${field}[${i}].name`;
    if (name === '') return [required(path)];
    if (name.length <= sysctlLengthMax && sysctlName.test(name)) return [];
    const detail = `must have at most ${sysctlLengthMax} characters and match regex ${sysctlPattern}`;
    return [invalidValue(path, name, detail)];
  });
  return together(
    wrong,
    checkUnique(names, (i) => `${field}[${i}].name`),
  );
}

/** As the errors call it, the field, and what a profile's name may not look like. */
interface Confinement {
  readonly what: string;
  readonly field: 'seccompProfile' | 'appArmorProfile';
  readonly checkName: (path: string, name: string) => StatusCause[];
}

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined'];
/** PATH_MAX of Linux, without its end. */
const appArmorNameBytesMax = 4095;

/** It is looked for below the node's own directory of profiles. */
function checkSeccompName(path: string, name: string): StatusCause[] {
  if (name.startsWith('/')) return [invalidValue(path, name, 'must be a relative path')];
  if (name.split('/').includes('..')) return [invalidValue(path, name, "must not contain '..'")];
  return [];
}

function checkAppArmorName(path: string, name: string): StatusCause[] {
  if (name.trim() === '') return [required(path, 'must be set when AppArmor type is Localhost')];
  if (name.trim() !== name) {
    return [invalidValue(path, name, 'must not be padded with whitespace')];
  }
  const isLong = Buffer.byteLength(name) > appArmorNameBytesMax;
  return isLong ? [tooLong(path, appArmorNameBytesMax)] : [];
}

const confinements: readonly Confinement[] = [
  { what: 'seccomp', field: 'seccompProfile', checkName: checkSeccompName },
  { what: 'AppArmor', field: 'appArmorProfile', checkName: checkAppArmorName },
];

function checkProfile(
  path: string,
  { type, localhostProfile: name }: JsonObject,
  { what, field, checkName }: Confinement,
): StatusCause[] {
  if (stringOr(type) === '') {
    return [required(`${path}.type`, `type is required when ${field} is set`)];
  }
  const causes = profileTypes.includes(stringOr(type))
    ? []
    : [notSupported(`${path}.type`, type, profileTypes)];
  const place = `${path}.localhostProfile`;
  if (type !== 'Localhost') {
    if (name === undefined) return causes;
    return [...causes, invalidValue(place, name, `can only be set when ${what} type is Localhost`)];
  }
  if (name === undefined) return [required(place, `must be set when ${what} type is Localhost`)];
  return checkName(place, stringOr(name));
}

/** Seccomp and AppArmor, of a pod or a container. */
export function checkConfinement(field: string, context: JsonObject): StatusCause[] {
  return inEach(confinements, (confinement) => {
    const profile = context[confinement.field];
    if (!isObject(profile)) return [];
    return checkProfile(`${field}.${confinement.field}`, profile, confinement);
  });
}

/** What may be left out, and what it may be. */
const policies: readonly (readonly [field: string, values: readonly string[]])[] = [
  ['fsGroupChangePolicy', ['OnRootMismatch', 'Always']],
  ['supplementalGroupsPolicy', ['Merge', 'Strict']],
];

/** What a pod's context has beside ids. */
export function checkPodSecurity(field: string, context: JsonObject): StatusCause[] {
  return together(
    checkSysctls(`${field}.sysctls`, objectsOf(context['sysctls'])),
    checkConfinement(field, context),
    inEach(policies, ([name, values]) =>
      context[name] === undefined ? [] : checkOneOf(`${field}.${name}`, context[name], values),
    ),
  );
}
