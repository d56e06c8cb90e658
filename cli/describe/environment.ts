/** The environment of a container, with what its references come to. */
import { isObject, type JsonObject, objectOr, stringOr } from '#api/resources/json.ts';
import type { ObjectMeta } from '#api/resources/meta.ts';
import { milliValue, value as wholeValue } from '#api/resources/quantity.ts';
import type { Writer } from './writer.ts';

/** What a field reference means for this pod; `''` for one that only the node knows. */
export type Resolve = (path: string) => string;

/** As kubectl: of a pod's fields it knows these two. */
export const nameAndNamespace =
  (metadata: ObjectMeta): Resolve =>
  (path) =>
    path === 'metadata.name'
      ? metadata.name
      : path === 'metadata.namespace'
        ? (metadata.namespace ?? '')
        : '';

/** Where the variables of whole ConfigMaps and Secrets come from. */
export function environmentFrom(out: Writer, list: readonly JsonObject[]): void {
  if (list.length === 0) return;
  out.line(2, 'Environment Variables from:');
  for (const { prefix, configMapRef, secretRef } of list) {
    const kind = isObject(configMapRef) ? 'ConfigMap' : 'Secret';
    const { name, optional } = objectOr(configMapRef ?? secretRef);
    const how = stringOr(prefix) === '' ? kind : `${kind} with prefix '${prefix}'`;
    out.line(3, `${name}\t${how}\tOptional: ${optional === true}`);
  }
}

/** The container's own request or limit in units of the divisor, rounded up. */
function resourceText(container: JsonObject, { resource, divisor }: JsonObject): string {
  const [list = '', ...rest] = String(resource).split('.');
  const name = rest.join('.');
  const amount = objectOr(objectOr(container['resources'])[list])[name];
  if (amount === undefined && list === 'limits' && /^(cpu|memory)$/.test(name))
    return 'node allocatable';
  const of = name === 'cpu' ? milliValue : wholeValue;
  const unit = of(divisor === undefined || divisor === '0' ? '1' : String(divisor));
  return String(Math.ceil(of(String(amount ?? 0)) / Math.max(unit, 1)));
}

/** One variable of the container. */
export function variable(
  out: Writer,
  { name, value, valueFrom }: JsonObject,
  container: JsonObject,
  resolve: Resolve,
): void {
  if (!isObject(valueFrom)) {
    stringOr(value)
      .split('\n')
      .forEach((line, index) => {
        out.line(3, `${index === 0 ? `${name}:` : ''}\t${line}`);
      });
    return;
  }
  const { fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef } = valueFrom;
  if (isObject(fieldRef)) {
    const { apiVersion = 'v1', fieldPath } = fieldRef;
    out.line(3, `${name}:\t${resolve(String(fieldPath))} (${apiVersion}:${fieldPath})`);
  } else if (isObject(resourceFieldRef)) {
    const text = resourceText(container, resourceFieldRef);
    out.line(3, `${name}:\t${text} (${resourceFieldRef['resource']})`);
  } else if (isObject(secretKeyRef)) {
    const { key, name: secret, optional } = secretKeyRef;
    out.line(
      3,
      `${name}:\t<set to the key '${key}' in secret '${secret}'>\tOptional: ${optional === true}`,
    );
  } else if (isObject(configMapKeyRef)) {
    const { key, name: map, optional } = configMapKeyRef;
    out.line(
      3,
      `${name}:\t<set to the key '${key}' of config map '${map}'>\tOptional: ${optional === true}`,
    );
  }
}
