/** What an update may change of a pod: nearly nothing (`ValidatePodUpdate`). */
import { cloneJson, equalJson, type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { StatusCause } from '#api/resources/status.ts';
import { forbiddenField, invalidValue } from './causes.ts';

const UPDATABLE = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

function checkCounts(spec: JsonObject, old: JsonObject): StatusCause[] {
  return ['containers', 'initContainers']
    .filter((list) => objectsOf(spec[list]).length !== objectsOf(old[list]).length)
    .map((list) => forbiddenField(`spec.${list}`, 'pod updates may not add or remove containers'));
}

/** A deadline may be set, and made shorter; never taken back. */
function checkDeadline(spec: JsonObject, old: JsonObject): StatusCause[] {
  const [now, before] = [spec['activeDeadlineSeconds'], old['activeDeadlineSeconds']];
  const field = 'spec.activeDeadlineSeconds';
  if (typeof before !== 'number') return [];
  if (typeof now !== 'number') {
    return [invalidValue(field, null, 'must not update from a positive integer to nil value')];
  }
  return now <= before
    ? []
    : [invalidValue(field, now, 'must be less than or equal to previous value')];
}

const withoutSeconds = ({ tolerationSeconds: _, ...toleration }: JsonObject): JsonObject =>
  toleration;

function checkTolerations(spec: JsonObject, old: JsonObject): StatusCause[] {
  const tolerations = objectsOf(spec['tolerations']);
  const kept = objectsOf(old['tolerations']).every((before) =>
    tolerations.some((now) => equalJson(withoutSeconds(now), withoutSeconds(before))),
  );
  if (kept) return [];
  const detail = 'existing toleration can not be modified except its tolerationSeconds';
  return [forbiddenField('spec.tolerations', detail)];
}

function checkGates(spec: JsonObject, old: JsonObject): StatusCause[] {
  const before = objectsOf(old['schedulingGates']).map((gate) => gate['name']);
  return objectsOf(spec['schedulingGates']).flatMap((gate, i) => {
    if (before.includes(gate['name'])) return [];
    const detail = `only deletion is allowed, but found new scheduling gate '${gate['name']}'`;
    return [forbiddenField(`spec.schedulingGates[${i}].name`, detail)];
  });
}

/** Fields that are free while a pod is gated: nobody has looked for a node yet. */
const WHILE_GATED = ['nodeSelector', 'affinity'];

/** The new spec with everything that may change put back to what it was. */
function withOldFields(spec: JsonObject, old: JsonObject): JsonObject {
  const copy = cloneJson(spec);
  const restore = (field: string): void => {
    if (old[field] === undefined) delete copy[field];
    else copy[field] = old[field];
  };
  for (const list of ['containers', 'initContainers']) {
    for (const [i, container] of objectsOf(copy[list]).entries()) {
      const before = objectsOf(old[list])[i];
      container['image'] = before?.['image'];
      // A default that what is stored was made without.
      if (before?.['resizePolicy'] === undefined) delete container['resizePolicy'];
    }
  }
  for (const field of ['activeDeadlineSeconds', 'tolerations', 'schedulingGates']) restore(field);
  const grace = old['terminationGracePeriodSeconds'];
  if (typeof grace === 'number' && grace < 0 && copy['terminationGracePeriodSeconds'] === 1) {
    restore('terminationGracePeriodSeconds');
  }
  if (objectsOf(old['schedulingGates']).length > 0) for (const field of WHILE_GATED) restore(field);
  return copy;
}

export function checkPodUpdate(pod: KubeObject, old: KubeObject): StatusCause[] {
  const [spec, before] = [objectOr(pod['spec']), objectOr(old['spec'])];
  const counts = checkCounts(spec, before);
  if (counts.length > 0) return counts;
  const causes = [
    ...checkDeadline(spec, before),
    ...checkTolerations(spec, before),
    ...checkGates(spec, before),
  ];
  if (equalJson(withOldFields(spec, before), before)) return causes;
  const detail = `pod updates may not change fields other than ${UPDATABLE}`;
  return [...causes, forbiddenField('spec', detail)];
}
