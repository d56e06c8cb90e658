/** A StatefulSet's plan, looked at through words. */
import type {
  ControllerRevision,
  PersistentVolumeClaim,
  Pod,
  StatefulSet,
} from '#api/resources/types.ts';
import { type Plan, plan } from '#controller/statefulset/plan.ts';
import { aStatefulSet, imaged, namesOf, owned } from '../../support/workload-builders.ts';

const nowMs = Date.parse('2030-01-01T01:00:00Z');
export const aSet = (replicas: number, spec = {}): StatefulSet => {
  const set = aStatefulSet('web', replicas, spec);
  return { ...set, metadata: { ...set.metadata, uid: 'uid-web', generation: 1 } };
};
export const look = (
  set: StatefulSet,
  pods: readonly Pod[] = [],
  revisions: readonly ControllerRevision[] = [],
  claims: readonly PersistentVolumeClaim[] = [],
): Plan => {
  const findClaim = (name: string) => claims.find(({ metadata }) => metadata.name === name);
  return plan({ set, pods, revisions, findClaim, nowMs });
};
export const revisionOf = (set: StatefulSet): ControllerRevision => look(set).history.update;

/** `2` `2!` not ready, `2x` being deleted, `2f` failed; `~` is of the old revision. */
export function podsOf(set: StatefulSet, text: string, old = imaged(set, 'old')): Pod[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((word) => {
      const ordinal = Number.parseInt(word, 10);
      const name = `web-${ordinal}`;
      const pod = owned(set, name, {
        phase: word.includes('f') ? 'Failed' : 'Running',
        ready: !/[!f]/.test(word),
        labels: {
          'controller-revision-hash': revisionOf(word.includes('~') ? old : set).metadata.name,
          'statefulset.kubernetes.io/pod-name': name,
          'apps.kubernetes.io/pod-index': String(ordinal),
        },
      });
      if (word.includes('x')) pod.metadata.deletionTimestamp = '2030-01-01T00:59:59Z';
      return pod;
    });
}

export const does = (result: Plan) => ({
  create: namesOf(result.create),
  remove: namesOf([...result.replace, ...result.remove]),
});
