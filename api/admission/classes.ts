/** Classes that objects name or are given: StorageClass, IngressClass, RuntimeClass. All change the object, which is a copy. */
import { equalJson, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { compareQuantities } from '#api/resources/quantity.ts';
import { forbidden, type StatusError } from '#api/resources/status.ts';
import { ensureObject, isUnset } from './defaults/fill.ts';

const storageDefault = 'storageclass.kubernetes.io/is-default-class';
const ingressDefault = 'ingressclass.kubernetes.io/is-default-class';
const claimAnnotation = 'volume.beta.kubernetes.io/storage-class';
const ingressAnnotation = 'kubernetes.io/ingress.class';

function defaults(classes: readonly KubeObject[], annotation: string): KubeObject[] {
  return classes.filter(({ metadata }) => metadata.annotations?.[annotation] === 'true');
}

/** Of several default storage classes the newest counts, then the first by name. */
export function defaultStorageClass(claim: KubeObject, classes: readonly KubeObject[]): void {
  const spec = ensureObject(claim, 'spec');
  // An empty name is a wish too: a volume of no class.
  if (spec['storageClassName'] !== undefined && spec['storageClassName'] !== null) return;
  if (claim.metadata.annotations?.[claimAnnotation] !== undefined) return;
  const time = ({ metadata }: KubeObject) => metadata.creationTimestamp ?? '';
  const [found] = defaults(classes, storageDefault).sort((a, b) =>
    time(a) === time(b)
      ? a.metadata.name.localeCompare(b.metadata.name)
      : time(b).localeCompare(time(a)),
  );
  if (found !== undefined) spec['storageClassName'] = found.metadata.name;
}

export function defaultIngressClass(ingress: KubeObject, classes: readonly KubeObject[]): void {
  const spec = ensureObject(ingress, 'spec');
  if (!isUnset(spec['ingressClassName'])) return;
  if (ingress.metadata.annotations?.[ingressAnnotation] !== undefined) return;
  const [found] = defaults(classes, ingressDefault).sort(
    (a, b) =>
      (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '') ||
      a.metadata.name.localeCompare(b.metadata.name),
  );
  if (found !== undefined) spec['ingressClassName'] = found.metadata.name;
}

const PODS = { group: '', plural: 'pods' };

/** The overhead and places of the pod's RuntimeClass. 403 if there is no such class or the pod says otherwise. */
export function admitRuntimeClass(
  pod: KubeObject,
  find: (name: string) => KubeObject | undefined,
): StatusError | undefined {
  const spec = ensureObject(pod, 'spec');
  const name = stringOr(spec['runtimeClassName']);
  const refuse = (why: string) => forbidden(PODS, pod.metadata.name, why);
  const found = name === '' ? undefined : find(name);
  if (name !== '' && found === undefined) {
    return refuse(`pod rejected: RuntimeClass "${name}" not found`);
  }
  const overhead = objectOr(found?.['overhead'])['podFixed'];
  const asked = spec['overhead'];
  if (asked !== undefined && asked !== null && !equalJson(asked, overhead)) {
    const why =
      overhead === undefined
        ? 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'
        : "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
    return refuse(why);
  }
  if (overhead !== undefined) spec['overhead'] = overhead;
  return place(spec, objectOr(found?.['scheduling']), refuse);
}

function place(
  spec: JsonObject,
  scheduling: JsonObject,
  refuse: (why: string) => StatusError,
): StatusError | undefined {
  const wanted = objectOr(scheduling['nodeSelector']);
  const held = objectOr(spec['nodeSelector']);
  for (const [key, value] of Object.entries(wanted)) {
    if (Object.hasOwn(held, key) && held[key] !== value) {
      return refuse(
        'pod rejected: conflict: runtimeClass.scheduling.nodeSelector' +
          `[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${held[key]}`,
      );
    }
  }
  if (Object.keys(wanted).length > 0) spec['nodeSelector'] = { ...held, ...wanted };
  const tolerations = objectsOf(spec['tolerations']);
  const added = objectsOf(scheduling['tolerations']).filter(
    (one) => !tolerations.some((other) => equalJson(one, other)),
  );
  if (added.length > 0) spec['tolerations'] = [...tolerations, ...added];
  return undefined;
}

/** 403 for a claim that grows although its class does not let it. */
export function checkResize(
  claim: KubeObject,
  old: KubeObject,
  find: (name: string) => KubeObject | undefined,
): StatusError | undefined {
  const size = (one: KubeObject) => {
    const amount = objectOr(objectOr(objectOr(one['spec'])['resources'])['requests'])['storage'];
    return typeof amount === 'string' || typeof amount === 'number' ? amount : '0';
  };
  if (compareQuantities(size(claim), size(old)) <= 0) return undefined;
  const refuse = (why: string) =>
    forbidden({ group: '', plural: 'persistentvolumeclaims' }, claim.metadata.name, why);
  if (objectOr(old['status'])['phase'] !== 'Bound') {
    return refuse('Only bound persistent volume claims can be expanded');
  }
  const name = stringOr(objectOr(claim['spec'])['storageClassName']);
  if (find(name)?.['allowVolumeExpansion'] === true) return undefined;
  return refuse(
    'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
  );
}

/** Volumes and claims stay while they are in use: their controllers take the finalizer away. */
export function protect(object: KubeObject, finalizer: string): void {
  const { finalizers = [] } = object.metadata;
  if (!finalizers.includes(finalizer)) object.metadata.finalizers = [...finalizers, finalizer];
}

const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/** A new node takes nothing until it is known to be ready: whoever watches its conditions takes the taint away. */
export function taintNode(node: KubeObject): void {
  const spec = ensureObject(node, 'spec');
  const taints = objectsOf(spec['taints']);
  if (taints.some((one) => one['key'] === notReady.key && one['effect'] === notReady.effect))
    return;
  spec['taints'] = [...taints, { ...notReady }];
}
