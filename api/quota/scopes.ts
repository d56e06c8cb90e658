/** Which objects a quota is about: its scopes, old (`scopes`) and new (`scopeSelector`). */
import { type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { qualityOfService } from '../kinds/quality-of-service.ts';

interface Scope {
  readonly name: string;
  readonly operator: string;
  readonly values: readonly string[];
}

function scopesOf(quota: KubeObject): Scope[] {
  const spec = objectOr(quota['spec']);
  const { scopes } = spec;
  const old = Array.isArray(scopes) ? scopes : [];
  const selected = objectsOf(objectOr(spec['scopeSelector'])['matchExpressions']);
  return [
    ...old.map((name) => ({ name: String(name), operator: 'Exists', values: [] })),
    ...selected.map(({ scopeName, operator, values }) => ({
      name: stringOr(scopeName),
      operator: stringOr(operator),
      values: Array.isArray(values) ? values.map(String) : [],
    })),
  ];
}

/** Pods that choose by other namespaces' pods where they run. */
function crossesNamespaces(spec: JsonObject): boolean {
  const affinity = objectOr(spec['affinity']);
  return ['podAffinity', 'podAntiAffinity'].some((kind) => {
    const side = objectOr(affinity[kind]);
    const preferred = objectsOf(side['preferredDuringSchedulingIgnoredDuringExecution']);
    const terms = [
      ...objectsOf(side['requiredDuringSchedulingIgnoredDuringExecution']),
      ...preferred.map((one) => objectOr(one['podAffinityTerm'])),
    ];
    return terms.some(({ namespaces, namespaceSelector }) => {
      const named = Array.isArray(namespaces) && namespaces.length > 0;
      return named || (namespaceSelector !== undefined && namespaceSelector !== null);
    });
  });
}

function named({ operator, values }: Scope, name: string): boolean {
  switch (operator) {
    case 'Exists':
      return name !== '';
    case 'DoesNotExist':
      return name === '';
    case 'In':
      return values.includes(name);
    case 'NotIn':
      return !values.includes(name);
    default:
      return false;
  }
}

function podMatches(scope: Scope, pod: KubeObject): boolean {
  const spec = objectOr(pod['spec']);
  const deadline = spec['activeDeadlineSeconds'];
  const terminating = typeof deadline === 'number' && deadline >= 0;
  switch (scope.name) {
    case 'Terminating':
      return terminating;
    case 'NotTerminating':
      return !terminating;
    case 'BestEffort':
      return qualityOfService(spec) === 'BestEffort';
    case 'NotBestEffort':
      return qualityOfService(spec) !== 'BestEffort';
    case 'PriorityClass':
      return named(scope, stringOr(spec['priorityClassName']));
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(spec);
    default:
      return false;
  }
}

/** Whether the quota counts the object; one without scopes counts all. */
export function inScope(quota: KubeObject, object: KubeObject): boolean {
  return scopesOf(quota).every((scope) => {
    if (object.kind === 'Pod') return podMatches(scope, object);
    if (scope.name !== 'VolumeAttributesClass' || object.kind !== 'PersistentVolumeClaim') {
      return false;
    }
    return named(scope, stringOr(objectOr(object['spec'])['volumeAttributesClassName']));
  });
}
