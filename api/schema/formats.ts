/** The string formats that Kubernetes checks in custom resources; others pass. Source: kube-openapi pkg/validation/strfmt. */
import { isIP, isIPv4, isIPv6 } from 'node:net';

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const durationUnits = 'ns|us|µs|μs|ms|s|m|h|d|w';
const durationWords =
  /^\s*\d+\s*(?:ns|us|ms|s|m|h|d|w|nanos?|micros?|millis?|seconds?|minutes?|hours?|days?|weeks?)?\s*$/;

const checks = new Map<string, (value: string) => boolean>([
  ['date', (value) => /^\d{4}-\d\d-\d\d$/.test(value) && isDate(value)],
  [
    'date-time',
    (value) =>
      /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d)$/.test(value) &&
      isDate(value),
  ],
  ['datetime', (value) => isDate(value)],
  ['duration', isDuration],
  ['email', (value) => /^[^\s@<>]+@[^\s@<>]+$/.test(value)],
  ['hostname', (value) => value.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/i.test(value)],
  ['ipv4', isIPv4],
  ['ipv6', isIPv6],
  ['cidr', isCidr],
  ['mac', (value) => /^(?:[0-9a-f]{2}[:-]){5,7}[0-9a-f]{2}$/i.test(value)],
  ['uri', (value) => URL.canParse(value) || value.startsWith('/')],
  ['uuid', (value) => uuid.test(value)],
  ['uuid3', (value) => uuid.test(value)],
  ['uuid4', (value) => uuid.test(value)],
  ['uuid5', (value) => uuid.test(value)],
  ['byte', (value) => value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value)],
  ['hexcolor', (value) => /^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(value)],
]);

/** Whether `value` is not of the format. An unknown format is no problem. */
export function formatProblem(format: string, value: string): boolean {
  const check = checks.get(format);
  return check !== undefined && !check(value);
}

function isDate(value: string): boolean {
  return !Number.isNaN(Date.parse(value.replace(' ', 'T')));
}

function isDuration(value: string): boolean {
  if (new RegExp(`^[-+]?(?:\\d+(?:\\.\\d*)?(?:${durationUnits}))+$`).test(value)) return true;
  return value === '0' || durationWords.test(value);
}

function isCidr(value: string): boolean {
  const slash = value.indexOf('/');
  const family = isIP(value.slice(0, slash));
  const bits = value.slice(slash + 1);
  return (
    slash > 0 && family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
  );
}
