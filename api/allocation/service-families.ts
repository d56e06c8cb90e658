/** The address families of a Service, where it leaves them open (`alloc.go`, `initIPFamilyFields`). */
import { type JsonObject, objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { invalid, type StatusError } from '#api/resources/status.ts';
import { invalidValue } from '../admission/validation/causes.ts';
import { type Family, familyOf } from './address-range.ts';

export const stringsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.map(String) : [];

/** 422 about one field of a Service. */
export const refuse = (name: string, field: string, value: unknown, detail: string): StatusError =>
  invalid({ group: '', kind: 'Service' }, name, [invalidValue(field, value, detail)]);

export const isHeadless = (spec: JsonObject): boolean => spec['clusterIP'] === 'None';

/** Families and policy, where the service leaves them open. Throws 422. */
export function settleFamilies(
  service: KubeObject,
  spec: JsonObject,
  families: readonly Family[],
): void {
  const { name } = service.metadata;
  const [own = 'IPv4'] = families;
  const dual = families.length > 1;
  const listed = stringsOf(spec['clusterIPs']);
  if (listed.length === 0 && stringOr(spec['clusterIP']) !== '') {
    spec['clusterIPs'] = [spec['clusterIP']];
  } else if (listed.length > 0 && stringOr(spec['clusterIP']) === '') {
    spec['clusterIP'] = listed[0];
  }
  const selectorless = isHeadless(spec) && Object.keys(objectOr(spec['selector'])).length === 0;
  const open = spec['ipFamilyPolicy'] === undefined;
  const wanted = stringsOf(spec['ipFamilies']);
  if (open) {
    const both = wanted.length > 1 || stringsOf(spec['clusterIPs']).length > 1;
    spec['ipFamilyPolicy'] = selectorless || both ? 'RequireDualStack' : 'SingleStack';
  }
  const policy = String(spec['ipFamilyPolicy']);
  const ofAddresses = stringsOf(spec['clusterIPs']).map(familyOf);
  const first = wanted[0] ?? ofAddresses[0] ?? own;
  const second = wanted[1] ?? (first === 'IPv4' ? 'IPv6' : 'IPv4');
  const several = policy === 'RequireDualStack' || (policy === 'PreferDualStack' && dual);
  if (!selectorless) {
    for (const [i, family] of wanted.entries()) {
      if (families.includes(family as Family)) continue;
      throw refuse(name, `spec.ipFamilies[${i}]`, family, 'not configured on this cluster');
    }
    if (policy === 'RequireDualStack' && !dual) {
      const detail = 'this cluster is not configured for dual-stack services';
      throw refuse(name, 'spec.ipFamilyPolicy', policy, detail);
    }
  }
  spec['ipFamilies'] = several ? [first, second] : [first];
}
