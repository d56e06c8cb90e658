/** A pod with all that `describe` can tell of one. */

/** So many seconds ago. */
export const ago = (seconds: number): string =>
  new Date(Date.now() - seconds * 1000).toISOString().replace(/\.\d+Z/, 'Z');

export const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'full',
    labels: { app: 'full', tier: 'a' },
    annotations: { short: 'text', long: 'y'.repeat(200), lines: 'one\ntwo\n' },
  },
  spec: {
    nodeName: 'n1',
    serviceAccountName: 'robot',
    nodeSelector: { disk: 'ssd' },
    securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    tolerations: [{ key: 'gpu', operator: 'Equal', value: 'yes', effect: 'NoSchedule' }],
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'zone',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: { app: 'full' } },
      },
    ],
    initContainers: [{ name: 'set-up', image: 'busybox', command: ['sh', '-c', 'echo a\necho b'] }],
    containers: [
      {
        name: 'main',
        image: 'nginx:1',
        args: ['-x'],
        ports: [{ containerPort: 80, hostPort: 8080, name: 'http' }],
        env: [
          { name: 'PLAIN', value: 'v' },
          { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
          { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
          { name: 'PASS', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
          { name: 'CONF', valueFrom: { configMapKeyRef: { name: 'c', key: 'k', optional: true } } },
        ],
        envFrom: [{ configMapRef: { name: 'c' }, prefix: 'P_' }, { secretRef: { name: 's' } }],
        resources: { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '500m' } },
        readinessProbe: { exec: { command: ['cat', '/ready'] } },
        livenessProbe: { tcpSocket: { port: 80 } },
        startupProbe: { httpGet: { port: 80, scheme: 'HTTPS' } },
        volumeMounts: [
          { name: 'data', mountPath: '/data', readOnly: true, subPath: 'a/b' },
          { name: 'scratch', mountPath: '/cache' },
        ],
      },
    ],
    volumes: [
      { name: 'data', persistentVolumeClaim: { claimName: 'claim' } },
      { name: 'scratch', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } },
      { name: 'host', hostPath: { path: '/srv' } },
      { name: 'conf', configMap: { name: 'c' } },
      { name: 'secret', secret: { secretName: 's', optional: true } },
      {
        name: 'down',
        downwardAPI: { items: [{ path: 'n', fieldRef: { fieldPath: 'metadata.name' } }] },
      },
      {
        name: 'all',
        projected: {
          sources: [
            { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
            { configMap: { name: 'root' } },
            { secret: { name: 's' } },
            { downwardAPI: { items: [] } },
          ],
        },
      },
    ],
  },
  status: {
    phase: 'Running',
    hostIP: '10.0.0.1',
    podIP: '10.244.0.5',
    podIPs: [{ ip: '10.244.0.5' }],
    startTime: ago(100_000),
    qosClass: 'Burstable',
    conditions: [
      { type: 'Initialized', status: 'True' },
      { type: 'Ready', status: 'False' },
    ],
    initContainerStatuses: [
      {
        name: 'set-up',
        ready: true,
        restartCount: 0,
        image: 'busybox',
        imageID: 'busybox@sha256:1',
        containerID: 'bayplan://1',
        state: {
          terminated: { exitCode: 0, reason: 'Completed', startedAt: ago(90), finishedAt: ago(80) },
        },
      },
    ],
    containerStatuses: [
      {
        name: 'main',
        ready: false,
        restartCount: 3,
        image: 'nginx:1',
        imageID: 'nginx@sha256:2',
        containerID: 'bayplan://2',
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: {
          terminated: {
            exitCode: 1,
            reason: 'Error',
            startedAt: ago(70),
            finishedAt: ago(60),
            message: 'oh',
          },
        },
      },
    ],
  },
};
