/**
 * Validation of a CustomResourceDefinition before it is stored: the reasons and words of Kubernetes'
 * (apiextensions-apiserver pkg/apis/apiextensions/validation).
 */
import type { StatusCause } from '../resources/status.ts';
import type { CustomResourceDefinition } from '../resources/types.ts';
import {
  duplicate,
  forbiddenField,
  invalidField,
  notSupported,
  required,
} from './definition-causes.ts';
import { checkStructural } from './definition-schema.ts';
import type { JsonSchema } from './structural.ts';

type Definition = CustomResourceDefinition['spec'];
type Version = Definition['versions'][number];

const label = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelRule =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const approval = 'api-approved.kubernetes.io';

/** What is wrong with a definition; none if its kinds can be served. */
export function checkDefinition(crd: CustomResourceDefinition): StatusCause[] {
  const spec = crd.spec as Definition | undefined;
  if (spec === undefined) return [required('spec')];
  return [
    ...checkName(crd),
    ...checkApproval(crd),
    ...checkGroup(spec),
    ...checkNames(spec),
    ...checkVersions(spec),
    ...checkConversion(spec),
  ];
}

function checkName({ metadata, spec }: CustomResourceDefinition): StatusCause[] {
  const wanted = `${spec.names?.plural}.${spec.group}`;
  if (metadata.name === wanted) return [];
  return [invalidField('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group')];
}

/** Groups of Kubernetes' own community need a word of approval. */
function checkApproval({ metadata, spec }: CustomResourceDefinition): StatusCause[] {
  if (!/(?:^|\.)(?:k8s|kubernetes)\.io$/.test(spec.group ?? '')) return [];
  if ((metadata.annotations?.[approval] ?? '') !== '') return [];
  const message = `protected groups must have approval annotation "${approval}", see https://github.com/kubernetes/enhancements/pull/1111`;
  return [required(`metadata.annotations[${approval}]`, message)];
}

function checkGroup({ group, scope }: Definition): StatusCause[] {
  const causes: StatusCause[] = [];
  if (group === undefined || group === '') causes.push(required('spec.group'));
  else if (!subdomain.test(group)) causes.push(invalidField('spec.group', group, subdomainRule));
  else if (!group.includes('.')) {
    causes.push(invalidField('spec.group', group, 'should be a domain with at least one dot'));
  }
  const scopes = ['Cluster', 'Namespaced'];
  if (scope === undefined || (scope as string) === '') causes.push(required('spec.scope'));
  else if (!scopes.includes(scope)) causes.push(notSupported('spec.scope', scope, scopes));
  return causes;
}

function checkNames({ names }: Definition): StatusCause[] {
  if (names === undefined) return [required('spec.names')];
  const causes: StatusCause[] = [];
  const words: [string, string | undefined, boolean][] = [
    ['plural', names.plural, true],
    ['singular', names.singular, false],
    ['kind', names.kind, true],
    ['listKind', names.listKind, false],
  ];
  for (const [field, name, needed] of words) {
    const path = `spec.names.${field}`;
    if (name === undefined || name === '') {
      if (needed) causes.push(required(path));
    } else if (!label.test(field.toLowerCase().endsWith('kind') ? name.toLowerCase() : name)) {
      causes.push(invalidField(path, name, labelRule));
    }
  }
  for (const field of ['shortNames', 'categories'] as const) {
    for (const [index, name] of (names[field] ?? []).entries()) {
      const path = `spec.names.${field}[${index}]`;
      if (!label.test(name)) causes.push(invalidField(path, name, labelRule));
    }
  }
  if (names.listKind !== undefined && names.listKind === names.kind) {
    const why = 'kind and listKind may not be the same';
    causes.push(invalidField('spec.names.listKind', names.listKind, why));
  }
  return causes;
}

function checkVersions(spec: Definition): StatusCause[] {
  const versions = spec.versions ?? [];
  const causes: StatusCause[] = [];
  const seen = new Set<string>();
  for (const [index, version] of versions.entries()) {
    const path = `spec.versions[${index}]`;
    if (!label.test(version.name ?? '')) {
      causes.push(invalidField(`${path}.name`, version.name ?? '', labelRule));
    } else if (seen.has(version.name)) causes.push(duplicate(`${path}.name`, version.name));
    seen.add(version.name);
    causes.push(...checkVersion(path, version));
  }
  if (versions.filter((version) => version.storage).length !== 1) {
    const why = 'must have exactly one version marked as storage version';
    causes.push(
      invalidField(
        'spec.versions',
        versions.map(({ name }) => name),
        why,
      ),
    );
  }
  if (spec.preserveUnknownFields === true) {
    const why =
      'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
    causes.push(invalidField('spec.preserveUnknownFields', true, why));
  }
  return causes;
}

function checkVersion(path: string, version: Version): StatusCause[] {
  const schema = version.schema?.openAPIV3Schema as JsonSchema | undefined;
  if (schema === undefined) {
    return [required(`${path}.schema.openAPIV3Schema`, 'schemas are required')];
  }
  return [
    ...checkStructural(`${path}.schema.openAPIV3Schema`, schema),
    ...checkColumns(path, version),
    ...checkScale(path, version),
    ...checkSelectable(path, version),
  ];
}

function checkColumns(path: string, version: Version): StatusCause[] {
  return (version.additionalPrinterColumns ?? []).flatMap((column, index) => {
    const place = `${path}.additionalPrinterColumns[${index}]`;
    const causes: StatusCause[] = [];
    if ((column.name ?? '') === '') causes.push(required(`${place}.name`));
    if ((column.type ?? '') === '') causes.push(required(`${place}.type`));
    else if (!columnTypes.includes(column.type)) {
      causes.push(invalidField(`${place}.type`, column.type, `must be one of ${columnTypes}`));
    }
    if ((column.jsonPath ?? '') === '') causes.push(required(`${place}.jsonPath`));
    return causes;
  });
}

function checkScale(path: string, version: Version): StatusCause[] {
  const scale = version.subresources?.scale;
  if (scale === undefined) return [];
  const place = `${path}.subresources.scale`;
  const rules: [string, string | undefined, readonly string[], boolean][] = [
    ['specReplicasPath', scale.specReplicasPath, ['.spec'], true],
    ['statusReplicasPath', scale.statusReplicasPath, ['.status'], true],
    ['labelSelectorPath', scale.labelSelectorPath, ['.spec', '.status'], false],
  ];
  return rules.flatMap(([field, value, roots, needed]) => {
    if (value === undefined || value === '') return needed ? [required(`${place}.${field}`)] : [];
    if (roots.some((root) => value.startsWith(`${root}.`))) return [];
    const why = `should be a json path under ${roots.join(' or ')}`;
    return [invalidField(`${place}.${field}`, value, why)];
  });
}

function checkSelectable(path: string, version: Version): StatusCause[] {
  const fields = version.selectableFields ?? [];
  const causes: StatusCause[] = [];
  const seen = new Set<string>();
  for (const [index, { jsonPath }] of fields.entries()) {
    const place = `${path}.selectableFields[${index}].jsonPath`;
    if ((jsonPath ?? '') === '') causes.push(required(place));
    else if (jsonPath.startsWith('.metadata.')) {
      causes.push(invalidField(place, jsonPath, 'must not point to fields in metadata'));
    } else if (!/^\.[\w-]+(\.[\w-]+)*$/.test(jsonPath)) {
      causes.push(
        invalidField(place, jsonPath, 'is an invalid path: does not refer to a valid field'),
      );
    } else if (seen.has(jsonPath)) causes.push(duplicate(place, jsonPath));
    seen.add(jsonPath);
  }
  return causes;
}

function checkConversion({ conversion }: Definition): StatusCause[] {
  if (conversion === undefined) return [];
  const strategies = ['None', 'Webhook'];
  const { strategy, webhook } = conversion;
  if (!strategies.includes(strategy)) {
    return [notSupported('spec.conversion.strategy', strategy, strategies)];
  }
  if (strategy === 'None' && webhook !== undefined) {
    const why = 'should not be set when strategy is not set to Webhook';
    return [forbiddenField('spec.conversion.webhook', why)];
  }
  if (strategy === 'Webhook' && webhook?.clientConfig === undefined) {
    const why = 'required when strategy is set to Webhook';
    return [required('spec.conversion.webhook.clientConfig', why)];
  }
  return [];
}
