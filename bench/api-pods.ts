/** What the benchmark of the API writes: pods of some 4 KB once stored, as a Deployment's are, and their statuses. */
import type { Ask } from './api-load.ts';

export const pods = '/api/v1/namespaces/default/pods';
const json = { 'content-type': 'application/json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
export const name = (n: number): string => `pod-${String(n).padStart(6, '0')}`;

export const pod = (n: number) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: name(n),
    labels: { app: 'web', 'pod-template-hash': '5d4f8c7b9d', number: `n${n % 100}` },
    annotations: { 'example.com/note': 'x'.repeat(200) },
  },
  spec: {
    automountServiceAccountToken: false,
    volumes: [
      { name: 'config', configMap: { name: 'web' } },
      { name: 'tmp', emptyDir: {} },
    ],
    containers: ['main', 'sidecar'].map((container) => ({
      name: container,
      image: 'registry.example.com/team/web:1.2.3',
      ports: [{ name: `p-${container}`.slice(0, 15), containerPort: 8080 }],
      env: Array.from({ length: 6 }, (_, i) => ({ name: `SETTING_${i}`, value: 'y'.repeat(30) })),
      resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } },
      readinessProbe: { httpGet: { path: '/healthz', port: 8080 } },
      volumeMounts: [
        { name: 'config', mountPath: '/etc/web' },
        { name: 'tmp', mountPath: '/tmp' },
      ],
    })),
  },
});

const status = (n: number) =>
  JSON.stringify({
    status: {
      phase: 'Running',
      podIP: `10.0.${(n >> 8) % 256}.${n % 256}`,
      conditions: ['Initialized', 'Ready', 'ContainersReady'].map((type) => ({
        type,
        status: n % 2 === 0 ? 'True' : 'False',
        lastTransitionTime: new Date(1_700_000_000_000 + n * 1000).toISOString(),
      })),
    },
  });

export const create = (n: number): Ask => ({
  method: 'POST',
  path: pods,
  headers: json,
  body: JSON.stringify(pod(n)),
});

export const patchStatus = (pod: number, n: number): Ask => ({
  method: 'PATCH',
  path: `${pods}/${name(pod)}/status`,
  headers: strategic,
  body: status(n),
});
