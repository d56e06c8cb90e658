/** ServiceCIDR and IPAddress: `pkg/apis/networking/validation`. */
import { equalJson, objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { StatusCause } from '#api/resources/status.ts';
import { addressOf, familyOf, parseRange } from '../../allocation/address-range.ts';
import { checkImmutable, invalidValue, required } from './causes.ts';

const immutable = 'field is immutable';

const rangesOf = (object: KubeObject): readonly string[] => {
  const { cidrs } = objectOr(object['spec']);
  return Array.isArray(cidrs) ? cidrs.map(stringOr) : [];
};

/** One range, or one of each family. */
export function checkServiceCidr(object: KubeObject): StatusCause[] {
  const field = 'spec.cidrs';
  const ranges = rangesOf(object);
  if (ranges.length === 0) return [required(field, 'at least one CIDR required')];
  if (ranges.length > 2) {
    return [invalidValue(field, ranges, 'may only hold up to 2 values')];
  }
  const causes = ranges.flatMap((range, at) => checkRange(`${field}[${at}]`, range));
  const families = ranges.map((range) => familyOf(range.split('/')[0] ?? ''));
  if (causes.length > 0 || new Set(families).size === families.length) return causes;
  return [invalidValue(field, ranges, 'may specify no more than one IP for each IP family')];
}

function checkRange(field: string, range: string): StatusCause[] {
  const canonical = canonicalRange(range);
  if (canonical === range) return [];
  const detail =
    canonical === undefined
      ? 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'
      : `must be in canonical form (${JSON.stringify(canonical)})`;
  return [invalidValue(field, range, detail)];
}

/** The one way to write the range; `undefined` if it is none. */
function canonicalRange(text: string): string | undefined {
  const range = parseRange(text);
  return range && `${addressOf(range.base, range.family)}/${Number(text.split('/')[1])}`;
}

/** A second family may come; nothing else changes. */
export function checkServiceCidrUpdate(object: KubeObject, old: KubeObject): StatusCause[] {
  const field = 'spec.cidrs';
  const [before, after] = [rangesOf(old), rangesOf(object)];
  const grows = before.length === 1 && after.length === 2;
  if (!grows && before.length !== after.length) return [invalidValue(field, after, immutable)];
  return before.flatMap((range, at) =>
    range === after[at] ? [] : [invalidValue(`${field}[${at}]`, after[at], immutable)],
  );
}

/** Whose the address is must be told. */
export function checkAddress(object: KubeObject): StatusCause[] {
  const field = 'spec.parentRef';
  const parent = objectOr(object['spec'])['parentRef'];
  if (parent === undefined) return [required(field)];
  return ['resource', 'name'].flatMap((name) =>
    stringOr(objectOr(parent)[name]) === '' ? [required(`${field}.${name}`)] : [],
  );
}

export function checkAddressUpdate(object: KubeObject, old: KubeObject): StatusCause[] {
  const of = (one: KubeObject) => objectOr(one['spec'])['parentRef'];
  return checkImmutable('spec.parentRef', of(object), equalJson(of(object), of(old)));
}
