/** What `pods/ephemeralcontainers` and `pods/resize` may change (`ValidatePodEphemeralContainersUpdate`, `ValidatePodResize`). */
import { equalJson, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { StatusCause } from '#api/resources/status.ts';
import { qualityOfService } from '../../kinds/quality-of-service.ts';
import { forbiddenField, invalidValue, notFoundValue } from './causes.ts';

/** What an ephemeral container may say; the rest is for containers that are planned with the pod. */
const EPHEMERAL_FIELDS = new Set([
  'name',
  'image',
  'command',
  'args',
  'workingDir',
  'env',
  'envFrom',
  'volumeMounts',
  'volumeDevices',
  'terminationMessagePath',
  'terminationMessagePolicy',
  'imagePullPolicy',
  'securityContext',
  'stdin',
  'stdinOnce',
  'tty',
  'targetContainerName',
]);
const notEphemeral = 'cannot be set for an Ephemeral Container';

/** Fields that defaults fill in with an empty value count as not set. */
const isSet = (value: unknown): boolean =>
  value !== undefined && value !== null && !equalJson(value, {}) && !equalJson(value, []);

/** Ephemeral containers of a pod, whenever it is written. */
export function checkEphemeralContainers(spec: JsonObject): StatusCause[] {
  const names = [...objectsOf(spec['containers']), ...objectsOf(spec['initContainers'])].map(
    ({ name }) => name,
  );
  return objectsOf(spec['ephemeralContainers']).flatMap((container, index) => {
    const at = `spec.ephemeralContainers[${index}]`;
    const target = stringOr(container['targetContainerName']);
    return [
      ...Object.keys(container)
        .filter((field) => !EPHEMERAL_FIELDS.has(field) && isSet(container[field]))
        .map((field) => forbiddenField(`${at}.${field}`, notEphemeral)),
      ...objectsOf(container['volumeMounts']).flatMap((mount, i) =>
        ['subPath', 'subPathExpr']
          .filter((field) => stringOr(mount[field]) !== '')
          .map((field) => forbiddenField(`${at}.volumeMounts[${i}].${field}`, notEphemeral)),
      ),
      ...(target === '' || names.includes(target)
        ? []
        : [notFoundValue(`${at}.targetContainerName`, target)]),
    ];
  });
}

const isStatic = (pod: KubeObject): boolean =>
  pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;

/** They can be added, and never changed or taken away again. */
export function checkEphemeralUpdate(pod: KubeObject, old: KubeObject): StatusCause[] {
  const field = 'spec.ephemeralContainers';
  if (isStatic(pod))
    return [forbiddenField(field, 'static pods do not support ephemeral containers')];
  const now = objectsOf(objectOr(pod['spec'])['ephemeralContainers']);
  return objectsOf(objectOr(old['spec'])['ephemeralContainers']).flatMap((before) => {
    const same = now.find(({ name }) => name === before['name']);
    const shown = JSON.stringify(before['name']);
    if (same === undefined) {
      return [forbiddenField(field, `existing ephemeral containers ${shown} may not be removed\n`)];
    }
    if (equalJson(same, before)) return [];
    return [forbiddenField(field, `existing ephemeral containers ${shown} may not be changed\n`)];
  });
}

const COMPUTE = new Set(['cpu', 'memory']);

/** Amounts of cpu and memory may become others; none may appear from nothing elsewhere, or go. */
export function checkResize(pod: KubeObject, old: KubeObject): StatusCause[] {
  const [spec, before] = [objectOr(pod['spec']), objectOr(old['spec'])];
  if (isStatic(pod)) return [forbiddenField('spec', 'static pods cannot be resized')];
  const quality = qualityOfService(spec);
  const was = objectOr(old['status'])['qosClass'] ?? qualityOfService(before);
  const detail = 'Pod QOS Class may not change as a result of resizing';
  return [
    ...(quality === was ? [] : [invalidValue('spec', quality, detail)]),
    ...['containers', 'initContainers'].flatMap((list) => checkList(list, spec, before)),
    ...['requests', 'limits'].flatMap((of) =>
      checkAmounts(
        'spec.resources',
        of,
        objectOr(spec['resources']),
        objectOr(before['resources']),
      ),
    ),
  ];
}

function checkList(list: string, spec: JsonObject, before: JsonObject): StatusCause[] {
  const containers = objectsOf(spec[list]);
  return objectsOf(before[list]).flatMap((old, index) => {
    const at = `spec.${list}[${index}]`;
    const [now, then] = [objectOr(containers[index]?.['resources']), objectOr(old['resources'])];
    const changed = !equalJson(now, then);
    if (changed && list === 'initContainers' && old['restartPolicy'] !== 'Always') {
      const why = 'resources for non-sidecar init containers are immutable';
      return [forbiddenField(`${at}.resources`, why)];
    }
    return ['requests', 'limits'].flatMap((of) => checkAmounts(`${at}.resources`, of, now, then));
  });
}

function checkAmounts(field: string, of: string, now: JsonObject, then: JsonObject): StatusCause[] {
  const [amounts, before] = [objectOr(now[of]), objectOr(then[of])];
  const names = new Set([...Object.keys(amounts), ...Object.keys(before)]);
  return [...names].flatMap((name) => {
    if (amounts[name] === before[name]) return [];
    if (!COMPUTE.has(name)) {
      return [forbiddenField('spec', 'only cpu and memory resources are mutable')];
    }
    if (amounts[name] !== undefined) return [];
    return [forbiddenField(`${field}.${of}`, `resource ${of} cannot be removed`)];
  });
}
