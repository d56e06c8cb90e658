/** CustomResourceDefinitions (`apiextensions/validation`): names, versions, scope. */
import { isObject, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { label1035Problems, subdomainProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkName,
  checkOneOf,
  checkUnique,
  invalidBecause,
  invalidValue,
  required,
} from './causes.ts';

function checkGroup(group: string): StatusCause[] {
  if (group === '') return [required('spec.group')];
  const causes = invalidBecause('spec.group', group, subdomainProblems(group));
  if (causes.length > 0 || group.includes('.')) return causes;
  return [invalidValue('spec.group', group, 'should be a domain with at least one dot')];
}

function checkNames(names: JsonObject): StatusCause[] {
  const shortNames = Array.isArray(names['shortNames']) ? names['shortNames'].map(String) : [];
  const lowered = (value: string): string[] => label1035Problems(value.toLowerCase());
  const { kind, listKind } = names;
  const causes = [
    ...checkName('spec.names.plural', names['plural'], label1035Problems),
    ...checkName('spec.names.singular', names['singular'], label1035Problems),
    ...checkName('spec.names.kind', kind, lowered),
    ...checkName('spec.names.listKind', listKind, lowered),
    ...shortNames.flatMap((name, i) =>
      invalidBecause(`spec.names.shortNames[${i}]`, name, label1035Problems(name)),
    ),
  ];
  if (kind === undefined || kind === '' || kind !== listKind) return causes;
  return [
    ...causes,
    invalidValue('spec.names.listKind', listKind, 'kind and listKind may not be the same'),
  ];
}

function checkVersion(field: string, version: JsonObject): StatusCause[] {
  const { openAPIV3Schema } = objectOr(version['schema']);
  const causes = checkName(`${field}.name`, version['name'], label1035Problems);
  if (!isObject(openAPIV3Schema)) {
    return [...causes, required(`${field}.schema.openAPIV3Schema`, 'schemas are required')];
  }
  if (openAPIV3Schema['type'] === 'object') return causes;
  const path = `${field}.schema.openAPIV3Schema.type`;
  if (openAPIV3Schema['type'] === undefined) {
    return [...causes, required(path, 'must not be empty at the root')];
  }
  const detail = 'must be object at the root';
  return [...causes, invalidValue(path, openAPIV3Schema['type'], detail)];
}

function checkVersions(versions: readonly JsonObject[]): StatusCause[] {
  const stored = versions.filter((version) => version['storage'] === true);
  const causes = versions.flatMap((version, i) => checkVersion(`spec.versions[${i}]`, version));
  const names = versions.map((version) => version['name']);
  causes.push(...checkUnique(names, (i) => `spec.versions[${i}].name`));
  if (stored.length === 1) return causes;
  const detail = 'must have exactly one version marked as storage version';
  return [...causes, invalidValue('spec.versions', names, detail)];
}

export function checkDefinition(definition: KubeObject): StatusCause[] {
  const spec = objectOr(definition['spec']);
  const names = objectOr(spec['names']);
  const group = stringOr(spec['group']);
  const name = `${stringOr(names['plural'])}.${group}`;
  const causes = [
    ...checkGroup(group),
    ...checkOneOf('spec.scope', spec['scope'], ['Cluster', 'Namespaced']),
    ...checkVersions(objectsOf(spec['versions'])),
    ...checkNames(names),
  ];
  if (definition.metadata.name === name) return causes;
  const detail = 'must be spec.names.plural+"."+spec.group';
  return [...causes, invalidValue('metadata.name', definition.metadata.name, detail)];
}

/** Objects of the kind would be lost: what names it and where it lives is fixed. */
export function checkDefinitionUpdate(definition: KubeObject, old: KubeObject): StatusCause[] {
  const [spec, before] = [objectOr(definition['spec']), objectOr(old['spec'])];
  const names = [objectOr(spec['names']), objectOr(before['names'])] as const;
  const changed: [string, unknown, unknown][] = [
    ['spec.group', spec['group'], before['group']],
    ['spec.scope', spec['scope'], before['scope']],
    ['spec.names.kind', names[0]['kind'], names[1]['kind']],
    ['spec.names.plural', names[0]['plural'], names[1]['plural']],
  ];
  return changed
    .filter(([, now, then]) => now !== then)
    .map(([field, now]) => invalidValue(field, now, 'field is immutable'));
}
