import t from 'tap';
import type { JsonObject } from '#api/resources/json.ts';
import { complaints, containers, jobTemplate, labels, pod, workload } from './cases.ts';

t.test('what Kubernetes takes is taken', async (t) => {
  const good: [string, string, JsonObject][] = [
    ['v1', 'Pod', { spec: { containers } }],
    [
      'v1',
      'Pod',
      pod(
        {
          ports: [{ name: 'web', containerPort: 80 }],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', valueFrom: { configMapKeyRef: { name: 'm', key: 'k' } } },
          ],
          envFrom: [{ secretRef: { name: 's' } }],
          volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 'a/b' }],
          livenessProbe: { exec: { command: ['true'] } },
          resources: {
            requests: { cpu: '100m' },
            limits: { cpu: 1, memory: '1Gi', 'example.com/gpu': 1 },
          },
          securityContext: { runAsUser: 1000, allowPrivilegeEscalation: false },
        },
        {
          initContainers: [
            {
              name: 'side',
              image: 'i',
              restartPolicy: 'Always',
              startupProbe: { tcpSocket: { port: 1 } },
            },
          ],
          volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Gi' } }],
          tolerations: [
            { operator: 'Exists' },
            { key: 'a', effect: 'NoExecute', tolerationSeconds: 5 },
          ],
          nodeSelector: { 'kubernetes.io/os': 'linux' },
        },
      ),
    ],
    ['apps/v1', 'Deployment', { spec: workload }],
    ['apps/v1', 'ReplicaSet', { spec: workload }],
    ['apps/v1', 'DaemonSet', { spec: workload }],
    ['apps/v1', 'StatefulSet', { spec: workload }],
    [
      'apps/v1',
      'StatefulSet',
      {
        spec: {
          ...workload,
          template: {
            metadata: { labels },
            ...pod({ volumeMounts: [{ name: 'd', mountPath: '/d' }] }),
          },
          volumeClaimTemplates: [
            {
              metadata: { name: 'd' },
              spec: {
                accessModes: ['ReadWriteOnce'],
                resources: { requests: { storage: '1Gi' } },
              },
            },
          ],
        },
      },
    ],
    ['batch/v1', 'Job', { spec: { template: jobTemplate } }],
    [
      'batch/v1',
      'CronJob',
      {
        spec: {
          schedule: '*/5 * * * MON-FRI',
          timeZone: 'Europe/Berlin',
          jobTemplate: { spec: { template: jobTemplate } },
        },
      },
    ],
    ['v1', 'Service', { spec: { ports: [{ port: 80 }], selector: labels } }],
    ['v1', 'Service', { spec: { clusterIP: 'None' } }],
    ['v1', 'Service', { spec: { type: 'ExternalName', externalName: 'example.com.' } }],
    ['v1', 'ConfigMap', { data: { 'a.b-c_d': 'x' }, binaryData: { e: 'eA==' } }],
    ['v1', 'Secret', { stringData: { username: 'u' }, type: 'kubernetes.io/basic-auth' }],
    ['v1', 'Namespace', {}],
    ['v1', 'ServiceAccount', {}],
    [
      'v1',
      'PersistentVolumeClaim',
      { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    ],
    [
      'v1',
      'PersistentVolume',
      {
        spec: {
          accessModes: ['ReadWriteOnce'],
          capacity: { storage: '1Gi' },
          hostPath: { path: '/d' },
        },
      },
    ],
    ['v1', 'Event', { involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' } }],
    [
      'rbac.authorization.k8s.io/v1',
      'ClusterRole',
      { rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }] },
    ],
    [
      'networking.k8s.io/v1',
      'NetworkPolicy',
      { spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] } },
    ],
    ['policy/v1', 'PodDisruptionBudget', { spec: { minAvailable: '50%', selector: {} } }],
    ['coordination.k8s.io/v1', 'Lease', { spec: { leaseDurationSeconds: 15 } }],
    ['storage.k8s.io/v1', 'StorageClass', { provisioner: 'kubernetes.io/no-provisioner' }],
  ];
  for (const [apiVersion, kind, rest] of good) {
    t.strictSame(
      complaints(apiVersion, kind, rest),
      [],
      `${kind} ${JSON.stringify(rest).slice(0, 60)}`,
    );
  }
});
