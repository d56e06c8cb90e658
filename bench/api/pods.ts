/** The pod that all measurements use: what a Deployment makes of a usual template, some 2 kB, 5 kB once it runs. */
import type { Pod } from '#api/resources/types.ts';

const padded = (n: number): string => String(n).padStart(5, '0');

export const podName = (n: number): string => `web-6d9c7bf8b4-${padded(n)}`;

export function podBody(n: number): string {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName(n),
      namespace: 'default',
      labels: { app: 'web', tier: 'front', 'pod-template-hash': '6d9c7bf8b4' },
      annotations: { 'example.com/owner': 'team-a', 'example.com/checksum': 'c'.repeat(64) },
    },
    spec: {
      containers: [
        {
          name: 'web',
          image: 'registry.example.com/shop/web:1.27.3',
          ports: [{ name: 'http', containerPort: 8080 }],
          env: Array.from({ length: 12 }, (_, index) => ({
            name: `SETTING_${index}`,
            value: `value of setting number ${index}`,
          })),
          resources: {
            requests: { cpu: '100m', memory: '128Mi' },
            limits: { cpu: '500m', memory: '256Mi' },
          },
          readinessProbe: { httpGet: { path: '/ready', port: 8080 }, periodSeconds: 5 },
          livenessProbe: { httpGet: { path: '/live', port: 8080 }, periodSeconds: 10 },
          volumeMounts: [{ name: 'config', mountPath: '/etc/web' }],
        },
      ],
      volumes: [{ name: 'config', configMap: { name: 'web' } }],
    },
  } as Pod;
  return JSON.stringify(pod);
}

/** What a kubelet reports of a running pod, as a strategic merge patch; `turn` makes each different. */
export function statusPatch(turn: number): string {
  const now = new Date(1_700_000_000_000 + turn * 1000).toISOString().replace('.000', '');
  const condition = (type: string) => ({ type, status: 'True', lastTransitionTime: now });
  return JSON.stringify({
    status: {
      phase: 'Running',
      hostIP: '10.0.0.1',
      podIP: `10.1.${(turn >> 8) & 255}.${turn & 255}`,
      startTime: now,
      conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(condition),
      containerStatuses: [
        {
          name: 'web',
          ready: true,
          started: true,
          restartCount: 0,
          image: 'registry.example.com/shop/web:1.27.3',
          imageID: `registry.example.com/shop/web@sha256:${'a'.repeat(64)}`,
          containerID: `bayplan://${'b'.repeat(64)}`,
          state: { running: { startedAt: now } },
        },
      ],
    },
  });
}
