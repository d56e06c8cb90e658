/** A container's environment (`ValidateEnv`, `ValidateEnvFrom`). */
import { isObject, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import { configKeyProblems, envNameProblems, subdomainProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkName,
  inEach,
  invalidBecause,
  invalidValue,
  notSupported,
  required,
  together,
} from './causes.ts';

const SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'];
const ONE_OF = '`fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`';
const FIELD_PATHS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
/** `metadata.labels['key']`: one label or annotation as a variable. */
const SUBSCRIPT = /^metadata\.(annotations|labels)\['[^']+'\]$/;

function checkFieldRef(field: string, reference: JsonObject): StatusCause[] {
  const path = stringOr(reference['fieldPath']);
  if (path === '') return [required(`${field}.fieldPath`)];
  if (FIELD_PATHS.includes(path) || SUBSCRIPT.test(path)) return [];
  return [notSupported(`${field}.fieldPath`, path, FIELD_PATHS)];
}

function checkSource(field: string, name: string, source: JsonObject): StatusCause[] {
  switch (name) {
    case 'fieldRef':
      return checkFieldRef(field, source);
    case 'resourceFieldRef':
      return stringOr(source['resource']) === '' ? [required(`${field}.resource`)] : [];
    case 'fileKeyRef':
      return checkName(`${field}.key`, source['key'], envNameProblems);
    default:
      return together(
        checkName(`${field}.name`, source['name'], subdomainProblems),
        checkName(`${field}.key`, source['key'], configKeyProblems),
      );
  }
}

function checkValueFrom(field: string, variable: JsonObject): StatusCause[] {
  if (!isObject(variable['valueFrom'])) return [];
  const valueFrom = variable['valueFrom'];
  const present = SOURCES.filter((name) => isObject(valueFrom[name]));
  if (present.length === 0) return [invalidValue(field, '', `must specify one of: ${ONE_OF}`)];
  const causes = inEach(present, (name) =>
    checkSource(`${field}.${name}`, name, objectOr(valueFrom[name])),
  );
  if (present.length > 1) {
    causes.push(invalidValue(field, '', 'may not have more than one field specified at a time'));
  }
  if (stringOr(variable['value']) !== '') {
    causes.push(invalidValue(field, '', 'may not be specified when `value` is not empty'));
  }
  return causes;
}

function checkEnvFrom(field: string, source: JsonObject): StatusCause[] {
  const prefix = stringOr(source['prefix']);
  const causes =
    prefix === '' ? [] : invalidBecause(`${field}.prefix`, prefix, envNameProblems(prefix));
  const present = ['configMapRef', 'secretRef'].filter((name) => isObject(source[name]));
  if (present.length === 0) {
    return [
      ...causes,
      invalidValue(field, '', 'must specify one of: `configMapRef` or `secretRef`'),
    ];
  }
  if (present.length > 1) {
    const detail = 'may not have more than one field specified at a time';
    return [...causes, invalidValue(field, '', detail)];
  }
  const [name = ''] = present;
  const reference = objectOr(source[name]);
  return together(causes, checkName(`${field}.${name}.name`, reference['name'], subdomainProblems));
}

/** What is wrong with `env` and `envFrom` of a container. */
export function checkEnvironment(field: string, container: JsonObject): StatusCause[] {
  const variables = inEach(objectsOf(container['env']), (variable, i) =>
    together(
      checkName(`${field}.env[${i}].name`, variable['name'], envNameProblems),
      checkValueFrom(`${field}.env[${i}].valueFrom`, variable),
    ),
  );
  const sources = inEach(objectsOf(container['envFrom']), (source, i) =>
    checkEnvFrom(`${field}.envFrom[${i}]`, source),
  );
  return together(variables, sources);
}
