/** The remaining core kinds (`apis/core/validation`), and Leases (`apis/coordination/validation`). */
import { equalJson, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { labelValueProblems, qualifiedNameProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkImmutable,
  checkName,
  checkNotNegative,
  checkOneOf,
  checkUnique,
  forbiddenField,
  invalidBecause,
  invalidValue,
  required,
} from './causes.ts';
import { checkAmount } from './resources.ts';
import { TAINT_EFFECTS } from './scheduling.ts';

const specOf = (object: KubeObject): JsonObject => objectOr(object['spec']);

export function checkNamespace(namespace: KubeObject): StatusCause[] {
  const { finalizers } = specOf(namespace);
  const list = Array.isArray(finalizers) ? finalizers.map(String) : [];
  return list.flatMap((one) => invalidBecause('spec.finalizers', one, qualifiedNameProblems(one)));
}

export function checkNode(node: KubeObject): StatusCause[] {
  const taints = objectsOf(specOf(node)['taints']);
  const causes = taints.flatMap((taint, i) => {
    const at = `spec.taints[${i}]`;
    const value = stringOr(taint['value']);
    return [
      ...checkName(`${at}.key`, taint['key'], qualifiedNameProblems),
      ...invalidBecause(`${at}.value`, value, labelValueProblems(value)),
      ...checkOneOf(`${at}.effect`, taint['effect'], TAINT_EFFECTS),
    ];
  });
  const keys = taints.map(({ key, effect }) => `${key}:${effect}`);
  return [...causes, ...checkUnique(keys, (i) => `spec.taints[${i}]`)];
}

const MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

function checkModes(modes: unknown): StatusCause[] {
  const list = Array.isArray(modes) ? modes : [];
  if (list.length === 0)
    return [required('spec.accessModes', 'at least 1 access mode is required')];
  return list.flatMap((mode) => checkOneOf('spec.accessModes', mode, MODES));
}

export function checkClaim(claim: KubeObject): StatusCause[] {
  const spec = specOf(claim);
  const { storage } = objectOr(objectOr(spec['resources'])['requests']);
  const field = 'spec.resources[storage]';
  return [
    ...checkModes(spec['accessModes']),
    ...(storage === undefined ? [required(field)] : checkAmount(field, storage)),
    ...checkOneOf('spec.volumeMode', spec['volumeMode'], ['Block', 'Filesystem']),
  ];
}

export function checkClaimUpdate(claim: KubeObject, old: KubeObject): StatusCause[] {
  const fixed = (spec: JsonObject): JsonObject => {
    const { resources: _1, volumeAttributesClassName: _2, ...rest } = spec;
    return rest;
  };
  const before = fixed(specOf(old));
  const now = fixed(specOf(claim));
  // Binding is an update of the claim: the volume's name, and the class a default gave it.
  if (before['volumeName'] === undefined) delete now['volumeName'];
  if (before['storageClassName'] === undefined) delete now['storageClassName'];
  if (equalJson(now, before)) return [];
  const detail =
    'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
  return [forbiddenField('spec', detail)];
}

const NOT_SOURCES = ['capacity', 'claimRef', 'nodeAffinity'];

export function checkPersistentVolume(volume: KubeObject): StatusCause[] {
  const spec = specOf(volume);
  const { storage } = objectOr(spec['capacity']);
  const sources = Object.entries(spec).filter(
    ([name, value]) =>
      typeof value === 'object' && !Array.isArray(value) && !NOT_SOURCES.includes(name),
  );
  const policies = ['Delete', 'Recycle', 'Retain'];
  return [
    ...checkModes(spec['accessModes']),
    ...(storage === undefined
      ? [required('spec.capacity')]
      : checkAmount('spec.capacity[storage]', storage)),
    ...(sources.length === 0 ? [required('spec', 'must specify a volume type')] : []),
    ...sources
      .slice(1)
      .map(([name]) => forbiddenField(`spec.${name}`, 'may not specify more than 1 volume type')),
    ...checkOneOf(
      'spec.persistentVolumeReclaimPolicy',
      spec['persistentVolumeReclaimPolicy'],
      policies,
    ),
  ];
}

const sourceOf = (spec: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(spec).filter(
      ([name, value]) =>
        typeof value === 'object' && !Array.isArray(value) && !NOT_SOURCES.includes(name),
    ),
  );

/** Where the data is does not change under those who use it. */
export function checkPersistentVolumeUpdate(volume: KubeObject, old: KubeObject): StatusCause[] {
  const [now, before] = [specOf(volume), specOf(old)];
  const source = 'spec.persistentvolumesource';
  const { nodeAffinity } = before;
  return [
    ...(equalJson(sourceOf(now), sourceOf(before))
      ? []
      : [forbiddenField(source, `${source} is immutable after creation`)]),
    ...checkImmutable(
      'spec.volumeMode',
      now['volumeMode'],
      equalJson(now['volumeMode'] ?? null, before['volumeMode'] ?? null),
    ),
    ...(nodeAffinity === undefined
      ? []
      : checkImmutable(
          'spec.nodeAffinity',
          now['nodeAffinity'],
          equalJson(now['nodeAffinity'] ?? null, nodeAffinity),
        )),
  ];
}

export function checkEvent(event: KubeObject): StatusCause[] {
  const { namespace } = event.metadata;
  const about = stringOr(objectOr(event['involvedObject'] ?? event['regarding'])['namespace']);
  const field = event['regarding'] === undefined ? 'involvedObject' : 'regarding';
  // Events about objects without a namespace live in `default`.
  const matches =
    about === '' ? namespace === 'default' || namespace === 'kube-system' : about === namespace;
  if (matches) return [];
  return [invalidValue(`${field}.namespace`, about, 'does not match event.namespace')];
}

export function checkLease(lease: KubeObject): StatusCause[] {
  const { leaseDurationSeconds, leaseTransitions } = specOf(lease);
  const causes = checkNotNegative('spec.leaseTransitions', leaseTransitions);
  if (typeof leaseDurationSeconds !== 'number' || leaseDurationSeconds > 0) return causes;
  const detail = 'must be greater than 0';
  return [...causes, invalidValue('spec.leaseDurationSeconds', leaseDurationSeconds, detail)];
}

export function checkResourceQuota(quota: KubeObject): StatusCause[] {
  return Object.entries(objectOr(specOf(quota)['hard'])).flatMap(([name, amount]) => [
    ...invalidBecause(`spec.hard[${name}]`, name, qualifiedNameProblems(name)),
    ...checkAmount(`spec.hard[${name}]`, amount),
  ]);
}
