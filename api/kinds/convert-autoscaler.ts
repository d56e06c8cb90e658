/**
 * HorizontalPodAutoscaler autoscaling/v2 ⇄ v1 (`autoscaling/v1/conversion.go`). v1 knows one CPU target; all else of
 * v2 is carried in annotations, as Kubernetes does, so that nothing is lost on the way there and back.
 */
import { isObject, type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';

const PREFIX = 'autoscaling.alpha.kubernetes.io/';
const METRICS = `${PREFIX}metrics`;
const CURRENT = `${PREFIX}current-metrics`;
const CONDITIONS = `${PREFIX}conditions`;
const BEHAVIOR = `${PREFIX}behavior`;

const isCpuShare = (metric: JsonObject, field: 'target' | 'current'): boolean => {
  const resource = objectOr(metric['resource']);
  const { averageUtilization } = objectOr(resource[field]);
  return (
    metric['type'] === 'Resource' && resource['name'] === 'cpu' && averageUtilization !== undefined
  );
};

const shareOf = (metric: JsonObject, field: 'target' | 'current'): unknown =>
  objectOr(objectOr(metric['resource'])[field])['averageUtilization'];

/** Splits the first CPU share, which v1 has a field for, from the rest. */
function split(
  metrics: unknown,
  field: 'target' | 'current',
): [JsonObject | undefined, JsonObject[]] {
  const all = objectsOf(metrics);
  const share = all.find((metric) => isCpuShare(metric, field));
  return [share, all.filter((metric) => metric !== share)];
}

function without(object: JsonObject, ...fields: string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !fields.includes(name)));
}

function withAnnotations(
  object: KubeObject,
  added: Record<string, unknown>,
): KubeObject['metadata'] {
  const annotations: Record<string, string> = { ...object.metadata.annotations };
  for (const [key, value] of Object.entries(added)) {
    const empty = value === undefined || (Array.isArray(value) && value.length === 0);
    if (!empty) annotations[key] = JSON.stringify(value);
  }
  if (Object.keys(annotations).length === 0) return object.metadata;
  return { ...object.metadata, annotations };
}

export function autoscalerToV1(autoscaler: KubeObject): KubeObject {
  const spec = objectOr(autoscaler['spec']);
  const status = objectOr(autoscaler['status']);
  const [target, metrics] = split(spec['metrics'], 'target');
  const [current, currentMetrics] = split(status['currentMetrics'], 'current');
  const cpuSpec = target && { targetCPUUtilizationPercentage: shareOf(target, 'target') };
  const cpuStatus = current && { currentCPUUtilizationPercentage: shareOf(current, 'current') };
  return {
    ...autoscaler,
    apiVersion: 'autoscaling/v1',
    metadata: withAnnotations(autoscaler, {
      [METRICS]: metrics,
      [CURRENT]: currentMetrics,
      [CONDITIONS]: status['conditions'],
      [BEHAVIOR]: spec['behavior'],
    }),
    spec: { ...without(spec, 'metrics', 'behavior'), ...cpuSpec },
    status: { ...without(status, 'currentMetrics', 'conditions'), ...cpuStatus },
  };
}

/** The value an annotation carries; a text somebody broke is as good as none. */
function carried(object: KubeObject, key: string): unknown {
  try {
    return JSON.parse(object.metadata.annotations?.[key] ?? 'null');
  } catch {
    return null;
  }
}

function plainMetadata(object: KubeObject): KubeObject['metadata'] {
  const { annotations, ...metadata } = object.metadata;
  const left = without(annotations ?? {}, METRICS, CURRENT, CONDITIONS, BEHAVIOR);
  return Object.keys(left).length === 0
    ? metadata
    : { ...metadata, annotations: left as Record<string, string> };
}

const cpuShare = (field: 'target' | 'current', share: unknown): JsonObject[] => {
  if (typeof share !== 'number') return [];
  const value = {
    averageUtilization: share,
    ...(field === 'target' ? { type: 'Utilization' } : {}),
  };
  return [{ type: 'Resource', resource: { name: 'cpu', [field]: value } }];
};

export function autoscalerToV2(autoscaler: KubeObject): KubeObject {
  const spec = objectOr(autoscaler['spec']);
  const status = objectOr(autoscaler['status']);
  const metrics = [
    ...cpuShare('target', spec['targetCPUUtilizationPercentage']),
    ...objectsOf(carried(autoscaler, METRICS)),
  ];
  const currentMetrics = [
    ...cpuShare('current', status['currentCPUUtilizationPercentage']),
    ...objectsOf(carried(autoscaler, CURRENT)),
  ];
  const behavior = carried(autoscaler, BEHAVIOR);
  const conditions = objectsOf(carried(autoscaler, CONDITIONS));
  return {
    ...autoscaler,
    apiVersion: 'autoscaling/v2',
    metadata: plainMetadata(autoscaler),
    spec: {
      ...without(spec, 'targetCPUUtilizationPercentage'),
      ...(metrics.length === 0 ? {} : { metrics }),
      ...(isObject(behavior) ? { behavior } : {}),
    },
    status: {
      ...without(status, 'currentCPUUtilizationPercentage'),
      ...(currentMetrics.length === 0 ? {} : { currentMetrics }),
      ...(conditions.length === 0 ? {} : { conditions }),
    },
  };
}
