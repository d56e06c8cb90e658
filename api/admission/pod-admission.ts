/**
 * What Kubernetes' admission plug-ins do to every pod that is created: DefaultTolerationSeconds and Priority. All
 * change the pod they are given, which is a copy already.
 */
import { type JsonObject, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { forbidden, type StatusError } from '#api/resources/status.ts';
import { ensureObject, isUnset } from './defaults/fill.ts';

const PODS = { group: '', plural: 'pods' };

/** How long a pod stays on a node that has become unready or unreachable. */
const TOLERATION_SECONDS = 300;
const NODE_TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** Whether a toleration already says how long the taint is borne. */
function bears(toleration: JsonObject, taint: string): boolean {
  const { key, effect } = toleration;
  return (isUnset(key) || key === taint) && (isUnset(effect) || effect === 'NoExecute');
}

export function tolerateLostNodes(spec: JsonObject): void {
  const tolerations = objectsOf(spec['tolerations']);
  const missing = NODE_TAINTS.filter((taint) => !tolerations.some((one) => bears(one, taint)));
  if (missing.length === 0) return;
  const added = missing.map((key) => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: TOLERATION_SECONDS,
  }));
  spec['tolerations'] = [...tolerations, ...added];
}

/** Kubernetes' own classes exist before anybody has made them objects. */
const SYSTEM_CLASSES: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

function classOf(name: string, classes: readonly KubeObject[]): KubeObject | undefined {
  const found = classes.find((one) => one.metadata.name === name);
  const value = SYSTEM_CLASSES[name];
  if (found !== undefined || value === undefined) return found;
  return { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value };
}

/** Of several default classes the lowest counts. */
function defaultClass(classes: readonly KubeObject[]): KubeObject | undefined {
  return classes
    .filter((one) => one['globalDefault'] === true)
    .sort((a, b) => Number(a['value']) - Number(b['value']))[0];
}

/** Resolves `priorityClassName`; 403 if there is no such class or the pod names another priority than its class. */
export function resolvePriority(
  pod: KubeObject,
  classes: readonly KubeObject[],
): StatusError | undefined {
  const spec = ensureObject(pod, 'spec');
  const wanted = stringOr(spec['priorityClassName']);
  const found = wanted === '' ? defaultClass(classes) : classOf(wanted, classes);
  const refuse = (why: string): StatusError => forbidden(PODS, pod.metadata.name, why);
  if (wanted !== '' && found === undefined) {
    return refuse(`no PriorityClass with name ${wanted} was found`);
  }
  if (found !== undefined) spec['priorityClassName'] = found.metadata.name;
  const priority = Number(found?.['value'] ?? 0);
  const policy = found?.['preemptionPolicy'] ?? 'PreemptLowerPriority';
  if (!isUnset(spec['priority']) && spec['priority'] !== priority) {
    return refuse(
      `the integer value of priority (${spec['priority']}) must not be provided in pod spec; ` +
        `priority admission controller computed ${priority} from the given PriorityClass name`,
    );
  }
  if (!isUnset(spec['preemptionPolicy']) && spec['preemptionPolicy'] !== policy) {
    return refuse(
      `the string value of PreemptionPolicy (${spec['preemptionPolicy']}) must not be provided in pod spec; ` +
        `priority admission controller computed ${policy} from the given PriorityClass name`,
    );
  }
  spec['priority'] = priority;
  spec['preemptionPolicy'] = policy;
  return undefined;
}
