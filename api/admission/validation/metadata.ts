/** `metadata` of every kind (`apimachinery/pkg/api/validation/objectmeta.go`). */
import { isIP } from 'node:net';
import { equalJson, isObject, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import {
  labelProblems,
  labelValueProblems,
  pathSegmentProblems,
  qualifiedNameProblems,
  subdomainProblems,
} from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import type { Kind } from '../../schema/kind.ts';
import {
  forbiddenField,
  inEach,
  invalidBecause,
  invalidValue,
  required,
  together,
  tooLong,
} from './causes.ts';

type Problems = (value: string) => string[];

/** Kinds whose names are not DNS subdomains, by `group/Kind`. */
const NAME_RULES: Readonly<Record<string, Problems>> = {
  '/Namespace': labelProblems,
  // Since 1.34 the digit at the start is allowed, as in any DNS label.
  '/Service': labelProblems,
  'networking.k8s.io/IPAddress': (name) =>
    isIP(name) === 0 ? ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'] : [],
  'rbac.authorization.k8s.io/Role': pathSegmentProblems,
  'rbac.authorization.k8s.io/RoleBinding': pathSegmentProblems,
  'rbac.authorization.k8s.io/ClusterRole': pathSegmentProblems,
  'rbac.authorization.k8s.io/ClusterRoleBinding': pathSegmentProblems,
};

const MAX_ANNOTATIONS = 256 * 1024;
const STRING_MAP = 'must be a map of strings';

function checkNames(kind: Kind, object: KubeObject): StatusCause[] {
  const rule = NAME_RULES[`${kind.group}/${kind.kind}`] ?? subdomainProblems;
  const { name, generateName, namespace } = object.metadata;
  const causes: StatusCause[] = [];
  if (generateName !== undefined && generateName !== '') {
    // What follows the base is letters and digits: a dash or dot at the end is fine.
    const base = generateName.replace(/-+$/, 'a');
    causes.push(...invalidBecause('metadata.generateName', generateName, rule(base)));
  }
  if (typeof name !== 'string' || name === '') {
    causes.push(required('metadata.name', 'name or generateName is required'));
  } else {
    causes.push(...invalidBecause('metadata.name', name, rule(name)));
  }
  if (kind.namespaced && (namespace === undefined || namespace === '')) {
    causes.push(required('metadata.namespace'));
  } else if (kind.namespaced) {
    causes.push(
      ...invalidBecause(
        'metadata.namespace',
        namespace as string,
        labelProblems(namespace as string),
      ),
    );
  } else if (namespace !== undefined && namespace !== '') {
    causes.push(forbiddenField('metadata.namespace', 'not allowed on this type'));
  }
  return causes;
}

/** A map of labels: the keys and the values. */
export function checkLabels(field: string, labels: unknown): StatusCause[] {
  if (labels === undefined || labels === null) return [];
  if (!isObject(labels)) return [invalidValue(field, labels, STRING_MAP)];
  return inEach(Object.entries(labels), ([key, value]) =>
    together(
      invalidBecause(field, key, qualifiedNameProblems(key)),
      invalidBecause(field, stringOr(value), labelValueProblems(stringOr(value))),
    ),
  );
}

function checkAnnotations(annotations: unknown): StatusCause[] {
  const field = 'metadata.annotations';
  if (annotations === undefined || annotations === null) return [];
  if (!isObject(annotations)) return [invalidValue(field, annotations, STRING_MAP)];
  const entries = Object.entries(annotations);
  // Keys may have upper case letters before the slash.
  const causes = inEach(entries, ([key]) =>
    invalidBecause(field, key, qualifiedNameProblems(key.toLowerCase())),
  );
  const size = entries.reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(stringOr(value)),
    0,
  );
  return size > MAX_ANNOTATIONS ? [...causes, tooLong(field, MAX_ANNOTATIONS)] : causes;
}

function checkOwners(owners: unknown): StatusCause[] {
  const field = 'metadata.ownerReferences';
  const references = objectsOf(owners);
  const causes = inEach(references, (owner, i) =>
    ['apiVersion', 'kind', 'name', 'uid']
      .filter((part) => stringOr(owner[part]) === '')
      .map((part) => invalidValue(`${field}[${i}].${part}`, '', 'must not be empty')),
  );
  const controllers = references.filter((owner) => owner['controller'] === true);
  if (controllers.length <= 1) return causes;
  const [first, second] = controllers;
  const only = 'Only one reference can have Controller set to true.';
  const both = `${only} Found "true" in references for ${first?.['name']} and ${second?.['name']}`;
  return [...causes, invalidValue(field, references, both)];
}

function checkFinalizers(finalizers: unknown): StatusCause[] {
  const field = 'metadata.finalizers';
  const list = Array.isArray(finalizers) ? finalizers.map(String) : [];
  const causes = inEach(list, (one) => invalidBecause(field, one, qualifiedNameProblems(one)));
  if (!list.includes('orphan') || !list.includes('foregroundDeletion')) return causes;
  const both = 'finalizer orphan and foregroundDeletion cannot be both set';
  return [...causes, invalidValue(field, list, both)];
}

/** What must hold for the metadata of any object that is created or updated. */
export function checkMetadata(kind: Kind, object: KubeObject): StatusCause[] {
  const { labels, annotations, ownerReferences, finalizers } = object.metadata;
  return together(
    checkNames(kind, object),
    checkLabels('metadata.labels', labels),
    checkAnnotations(annotations),
    checkOwners(ownerReferences),
    checkFinalizers(finalizers),
  );
}

/** What an update may not do to metadata; the rest is kept from the old object anyway. */
export function checkMetadataUpdate(object: KubeObject, old: KubeObject): StatusCause[] {
  const causes: StatusCause[] = [];
  for (const part of ['name', 'namespace', 'uid'] as const) {
    const value = object.metadata[part];
    if (value === undefined || value === '' || equalJson(value, old.metadata[part])) continue;
    causes.push(invalidValue(`metadata.${part}`, value, 'field is immutable'));
  }
  if (old.metadata.deletionTimestamp === undefined) return causes;
  const before = old.metadata.finalizers ?? [];
  const added = (object.metadata.finalizers ?? []).filter((one) => !before.includes(one));
  if (added.length > 0) {
    const names = added.map((one) => JSON.stringify(one)).join(', ');
    const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${names}}`;
    causes.push(forbiddenField('metadata.finalizers', why));
  }
  return causes;
}
