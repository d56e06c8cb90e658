/** Volumes of a pod (`validateVolumes`). */
import { isObject, type JsonObject, objectsOf, stringOr } from '#api/resources/json.ts';
import { labelProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkName,
  checkUnique,
  forbiddenField,
  inEach,
  invalidValue,
  notSupported,
  required,
  together,
} from './causes.ts';
import { checkAmount } from './resources.ts';

const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];
const MODE = 'must be a number between 0 and 0777 (octal), both inclusive';

/** Fields without which a source says nothing. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  secret: ['secretName'],
  configMap: ['name'],
  persistentVolumeClaim: ['claimName'],
  hostPath: ['path'],
  nfs: ['server', 'path'],
  csi: ['driver'],
  iscsi: ['targetPortal', 'iqn'],
  image: ['reference'],
};

function checkMode(field: string, mode: unknown): StatusCause[] {
  if (mode === undefined || mode === null) return [];
  const fits = typeof mode === 'number' && mode >= 0 && mode <= 0o777;
  return fits ? [] : [invalidValue(field, mode, MODE)];
}

/** A file inside a volume: relative, and nowhere upwards. */
function checkFilePath(field: string, path: unknown): StatusCause[] {
  const text = stringOr(path);
  if (text === '') return [required(field)];
  if (text.startsWith('/')) return [invalidValue(field, text, 'must be a relative path')];
  if (text.split('/').includes('..')) return [invalidValue(field, text, "must not contain '..'")];
  return text.startsWith('..') ? [invalidValue(field, text, "must not start with '..'")] : [];
}

function checkItems(field: string, source: JsonObject): StatusCause[] {
  return inEach(objectsOf(source['items']), (item, i) => {
    const at = `${field}.items[${i}]`;
    const byKey = !('fieldRef' in item) && !('resourceFieldRef' in item);
    return together(
      byKey && stringOr(item['key']) === '' ? [required(`${at}.key`)] : [],
      checkFilePath(`${at}.path`, item['path']),
      checkMode(`${at}.mode`, item['mode']),
    );
  });
}

function checkHostPath(field: string, source: JsonObject): StatusCause[] {
  const path = stringOr(source['path']);
  const type = stringOr(source['type']);
  const causes = path.split('/').includes('..')
    ? [invalidValue(`${field}.path`, path, "must not contain '..'")]
    : [];
  if (HOST_PATH_TYPES.includes(type)) return causes;
  return [...causes, notSupported(`${field}.type`, type, HOST_PATH_TYPES)];
}

function checkProjected(field: string, source: JsonObject): StatusCause[] {
  return inEach(objectsOf(source['sources']), (projection, i) =>
    inEach(Object.entries(projection), ([name, value]) =>
      isObject(value) ? checkSource(`${field}.sources[${i}].${name}`, name, value, true) : [],
    ),
  );
}

function checkSource(
  field: string,
  name: string,
  source: JsonObject,
  projected: boolean,
): StatusCause[] {
  // A projected secret is named `name`, a volume's `secretName`.
  const needed = projected && name === 'secret' ? ['name'] : (NEEDED[name] ?? []);
  const causes = needed
    .filter((part) => stringOr(source[part]) === '')
    .map((part) => required(`${field}.${part}`));
  causes.push(
    ...checkItems(field, source),
    ...checkMode(`${field}.defaultMode`, source['defaultMode']),
  );
  if (name === 'hostPath') causes.push(...checkHostPath(field, source));
  if (name === 'projected') causes.push(...checkProjected(field, source));
  if (name === 'emptyDir' && source['sizeLimit'] !== undefined) {
    causes.push(...checkAmount(`${field}.sizeLimit`, source['sizeLimit']));
  }
  if (projected && name === 'serviceAccountToken') {
    causes.push(...checkFilePath(`${field}.path`, source['path']));
  }
  return causes;
}

function checkVolume(field: string, volume: JsonObject): StatusCause[] {
  const sources = Object.entries(volume).filter(
    ([name, value]) => name !== 'name' && isObject(value),
  );
  const causes = inEach(sources, ([name, source], i) =>
    i === 0
      ? checkSource(`${field}.${name}`, name, source as JsonObject, false)
      : [forbiddenField(`${field}.${name}`, 'may not specify more than 1 volume type')],
  );
  if (sources.length === 0) causes.push(required(field, 'must specify a volume type'));
  return causes;
}

/** What is wrong with the volumes of a pod's spec. */
export function checkVolumes(field: string, volumes: readonly JsonObject[]): StatusCause[] {
  return together(
    inEach(volumes, (volume, i) =>
      together(
        checkName(`${field}[${i}].name`, volume['name'], labelProblems),
        checkVolume(`${field}[${i}]`, volume),
      ),
    ),
    checkUnique(
      volumes.map((volume) => volume['name']),
      (i) => `${field}[${i}].name`,
    ),
  );
}
