/** The kinds of storage.k8s.io (`apis/storage/validation`). */
import { equalJson, isObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { qualifiedNameProblems } from '#api/resources/names.ts';
import type { StatusCause } from '#api/resources/status.ts';
import {
  checkName,
  checkOneOf,
  checkUnique,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
} from './causes.ts';

const MODES = ['Ephemeral', 'Persistent'];
const GROUP_POLICIES = ['File', 'None', 'ReadWriteOnceWithFSType'];
const NODE_ID_BYTES = 256;

const immutable = (field: string, now: unknown, old: unknown): StatusCause[] =>
  equalJson(now ?? null, old ?? null) ? [] : [invalidValue(field, now, 'field is immutable')];

export function checkCsiDriver(driver: KubeObject): StatusCause[] {
  const spec = objectOr(driver['spec']);
  const modes = Array.isArray(spec['volumeLifecycleModes']) ? spec['volumeLifecycleModes'] : [];
  return [
    ...modes.flatMap((mode, i) =>
      MODES.includes(String(mode))
        ? []
        : [notSupported(`spec.volumeLifecycleModes[${i}]`, mode, MODES)],
    ),
    ...(spec['fsGroupPolicy'] === undefined
      ? []
      : checkOneOf('spec.fsGroupPolicy', spec['fsGroupPolicy'], GROUP_POLICIES)),
  ];
}

export function checkCsiDriverUpdate(driver: KubeObject, old: KubeObject): StatusCause[] {
  const [spec, before] = [objectOr(driver['spec']), objectOr(old['spec'])];
  return ['attachRequired', 'volumeLifecycleModes'].flatMap((field) =>
    immutable(`spec.${field}`, spec[field], before[field]),
  );
}

export function checkCsiNode(node: KubeObject): StatusCause[] {
  const drivers = objectsOf(objectOr(node['spec'])['drivers']);
  return [
    ...drivers.flatMap(({ name, nodeID }, i) => {
      const at = `spec.drivers[${i}]`;
      const id = stringOr(nodeID);
      return [
        ...checkName(`${at}.name`, name, (text) => qualifiedNameProblems(text.toLowerCase())),
        ...(id === '' ? [required(`${at}.nodeID`)] : []),
        ...(Buffer.byteLength(id) > NODE_ID_BYTES
          ? [invalidValue(`${at}.nodeID`, id, `must be ${NODE_ID_BYTES} characters or less`)]
          : []),
      ];
    }),
    ...checkUnique(
      drivers.map(({ name }) => name),
      (i) => `spec.drivers[${i}].name`,
    ),
  ];
}

export function checkCapacity(capacity: KubeObject): StatusCause[] {
  return checkName('storageClassName', capacity['storageClassName'], () => []);
}

export function checkCapacityUpdate(now: KubeObject, old: KubeObject): StatusCause[] {
  return ['nodeTopology', 'storageClassName'].flatMap((field) =>
    immutable(field, now[field], old[field]),
  );
}

export function checkAttachment(attachment: KubeObject): StatusCause[] {
  const spec = objectOr(attachment['spec']);
  const source = objectOr(spec['source']);
  const name = stringOr(source['persistentVolumeName']);
  const inline = isObject(source['inlineVolumeSpec']);
  const causes = [
    ...checkName('spec.attacher', spec['attacher'], (text) =>
      qualifiedNameProblems(text.toLowerCase()),
    ),
    ...checkName('spec.nodeName', spec['nodeName'], () => []),
  ];
  if (!inline && name === '') {
    const detail = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
    return [...causes, required('spec.source', detail)];
  }
  if (!inline || name === '') return causes;
  const detail = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  return [...causes, forbiddenField('spec.source', detail)];
}

export function checkAttachmentUpdate(now: KubeObject, old: KubeObject): StatusCause[] {
  return immutable('spec', now['spec'], old['spec']);
}

export function checkAttributesClass(attributes: KubeObject): StatusCause[] {
  const parameters = Object.keys(objectOr(attributes['parameters']));
  return [
    ...checkName('driverName', attributes['driverName'], (text) =>
      qualifiedNameProblems(text.toLowerCase()),
    ),
    ...(parameters.length === 0
      ? [required('parameters', 'must contain at least one key/value pair')]
      : []),
  ];
}

export function checkAttributesClassUpdate(now: KubeObject, old: KubeObject): StatusCause[] {
  return ['driverName', 'parameters']
    .filter((field) => !equalJson(now[field] ?? null, old[field] ?? null))
    .map((field) => forbiddenField(field, `updates to ${field} are forbidden.`));
}
