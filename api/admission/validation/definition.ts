/** What an update may not change of a CustomResourceDefinition (`apiextensions/validation`). */
import { objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { StatusCause } from '#api/resources/status.ts';
import type { CustomResourceDefinition } from '#api/resources/types.ts';
import { checkDefinition as checkDefinitionSpec } from '../../schema/definition.ts';
import { invalidValue } from './causes.ts';

/** The definition by itself: names, versions, schemas. */
export function checkDefinition(definition: KubeObject): StatusCause[] {
  return checkDefinitionSpec(definition as unknown as CustomResourceDefinition);
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
  const fixed = changed
    .filter(([, now, then]) => now !== then)
    .map(([field, now]) => invalidValue(field, now, 'field is immutable'));
  return [...fixed, ...checkStoredVersions(definition)];
}

/** Versions in which objects may be stored: none may go before they are stored in another. */
export function checkStoredVersions(definition: KubeObject): StatusCause[] {
  const versions = objectsOf(objectOr(definition['spec'])['versions']);
  const known = new Set(versions.map(({ name }) => name));
  const stored = objectOr(definition['status'])['storedVersions'];
  const names = Array.isArray(stored) ? stored : [];
  const field = 'status.storedVersions';
  if (names.length === 0)
    return [invalidValue(field, names, 'must have at least one stored version')];
  const missing = names.flatMap((name, index) =>
    known.has(name)
      ? []
      : [invalidValue(`${field}[${index}]`, name, 'must appear in spec.versions')],
  );
  const current = versions.find(({ storage }) => storage === true)?.['name'];
  if (current === undefined || names.includes(current)) return missing;
  const detail = `must have the storage version ${current}`;
  return [...missing, invalidValue(field, names, detail)];
}
