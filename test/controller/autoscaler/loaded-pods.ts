/** A deployment whose pods share a load, and an autoscaler for it. */
import { deployments, pods } from '#api/resources/resource-types.ts';
import { failure } from '#api/resources/status.ts';
import type { Deployment, HorizontalPodAutoscaler, Pod } from '#api/resources/types.ts';
import type { Access } from '#controller/autoscaler/access.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';

export const place = { name: 'web', namespace: 'default' };

/** A load that all pods share, in millis; no measures while it is undefined. */
export interface Load {
  millis: number | undefined;
}

/** The API's scale and measures, as far as the API in memory has none. */
export const accessTo = (api: () => MemoryApi, load: Load): Access => ({
  scale: async (_, { name }) => {
    const { metadata, spec, status } = await api()
      .collection<Deployment>(deployments)
      .get({ name, namespace: 'default' });
    const replicas = spec?.replicas ?? 1;
    return {
      metadata,
      spec: { replicas },
      status: { replicas: status?.replicas ?? 0, selector: 'app=web' },
    };
  },
  setScale: async (_, { name }, { replicas }) => {
    const ref = { name, namespace: 'default' };
    await api().collection(deployments).patch(ref, { spec: { replicas } }, 'merge');
  },
  metrics: async () => {
    const { millis } = load;
    if (millis === undefined) throw failure(503, 'ServiceUnavailable', 'no measures');
    const all = (api().store.all(pods) as Pod[]).filter(
      ({ status }) => status?.phase === 'Running',
    );
    return new Map(
      all.map(({ metadata }) => {
        const containers = new Map([['main', new Map([['cpu', Math.round(millis / all.length)]])]]);
        return [metadata.name, { timeMs: Date.now() + 1e9, windowMs: 1, containers }];
      }),
    );
  },
});

/** Wants half of the requested CPU used. */
export const autoscaler = (more = {}): HorizontalPodAutoscaler =>
  ({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: place,
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 8,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } },
        },
      ],
      ...more,
    },
  }) as HorizontalPodAutoscaler;

/** Pods that ask for one CPU. */
export const template = {
  template: {
    metadata: { name: '', labels: { app: 'web' } },
    spec: {
      containers: [{ name: 'main', image: 'busybox', resources: { requests: { cpu: '1' } } }],
    },
  },
};
