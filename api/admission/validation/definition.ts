/** What an update may not change of a CustomResourceDefinition (`apiextensions/validation`). */
import { objectOr } from '#api/resources/json.ts';
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
  return changed
    .filter(([, now, then]) => now !== then)
    .map(([field, now]) => invalidValue(field, now, 'field is immutable'));
}
