/** ConfigMaps and Secrets (`ValidateConfigMap`, `ValidateSecret`). */
import { equalJson, isObject, objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { configKeyProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  forbiddenField,
  invalidBecause,
  invalidShown,
  invalidValue,
  required,
  tooLong,
} from './causes.ts';

const MAX_BYTES = 1024 * 1024;

const checkKeys = (field: string, data: unknown): StatusCause[] =>
  Object.keys(objectOr(data)).flatMap((key) =>
    invalidBecause(`${field}[${key}]`, key, configKeyProblems(key)),
  );

const decodedSize = (text: unknown): number => Buffer.byteLength(stringOr(text), 'base64');

function checkUnchanged(
  object: KubeObject,
  old: KubeObject,
  fields: readonly string[],
): StatusCause[] {
  if (old['immutable'] !== true) return [];
  const detail = 'field is immutable when `immutable` is set';
  const causes = object['immutable'] === true ? [] : [forbiddenField('immutable', detail)];
  const changed = fields.filter(
    (field) => !equalJson(objectOr(object[field]), objectOr(old[field])),
  );
  return [...causes, ...changed.map((field) => forbiddenField(field, detail))];
}

export function checkConfigMap(configMap: KubeObject): StatusCause[] {
  const data = objectOr(configMap['data']);
  const binary = objectOr(configMap['binaryData']);
  const causes = [...checkKeys('data', data), ...checkKeys('binaryData', binary)];
  for (const key of Object.keys(data)) {
    if (!Object.hasOwn(binary, key)) continue;
    causes.push(invalidValue(`data[${key}]`, key, 'duplicate of key present in binaryData'));
  }
  const size =
    Object.values(data).reduce<number>((sum, text) => sum + Buffer.byteLength(stringOr(text)), 0) +
    Object.values(binary).reduce<number>((sum, text) => sum + decodedSize(text), 0);
  return size > MAX_BYTES ? [...causes, tooLong('', MAX_BYTES)] : causes;
}

export const checkConfigMapUpdate = (configMap: KubeObject, old: KubeObject): StatusCause[] =>
  checkUnchanged(configMap, old, ['data', 'binaryData']);

/** The keys without which a secret of a known type is of no use; one of the list is enough. */
const NEEDED: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'kubernetes.io/dockercfg': [['.dockercfg']],
  'kubernetes.io/dockerconfigjson': [['.dockerconfigjson']],
  'kubernetes.io/basic-auth': [['username', 'password']],
  'kubernetes.io/ssh-auth': [['ssh-privatekey']],
  'kubernetes.io/tls': [['tls.crt'], ['tls.key']],
};
const JSON_KEYS = ['.dockercfg', '.dockerconfigjson'];
const ACCOUNT = 'kubernetes.io/service-account.name';

function checkType(secret: KubeObject): StatusCause[] {
  const type = stringOr(secret['type']);
  const data = objectOr(secret['data']);
  const causes = (NEEDED[type] ?? [])
    .filter((keys) => !keys.some((key) => Object.hasOwn(data, key)))
    .flatMap((keys) => keys.map((key) => required(`data[${key}]`)));
  const named = secret.metadata.annotations?.[ACCOUNT] ?? '';
  if (type === 'kubernetes.io/service-account-token' && named === '') {
    causes.push(required(`metadata.annotations[${ACCOUNT}]`));
  }
  for (const key of JSON_KEYS.filter(
    (one) => type.startsWith('kubernetes.io/docker') && one in data,
  )) {
    if (isJsonObject(data[key])) continue;
    const [shown, why] = ['"<secret contents redacted>"', 'must be valid json'];
    causes.push(invalidShown(`data[${key}]`, shown, why));
  }
  return causes;
}

function isJsonObject(base64: unknown): boolean {
  try {
    return isObject(JSON.parse(Buffer.from(stringOr(base64), 'base64').toString()));
  } catch {
    return false;
  }
}

export function checkSecret(secret: KubeObject): StatusCause[] {
  const data = objectOr(secret['data']);
  const causes = [...checkKeys('data', data), ...checkType(secret)];
  const size = Object.values(data).reduce<number>((sum, text) => sum + decodedSize(text), 0);
  return size > MAX_BYTES ? [...causes, tooLong('data', MAX_BYTES)] : causes;
}

export function checkSecretUpdate(secret: KubeObject, old: KubeObject): StatusCause[] {
  const causes = checkUnchanged(secret, old, ['data']);
  if (secret['type'] === old['type']) return causes;
  return [...causes, invalidValue('type', secret['type'], 'field is immutable')];
}
