import t from 'tap';
import { pullPolicy } from '#api/admission/defaults/image.ts';
import { defaulted, fullContainer, fullPodSpec } from './cases.ts';

t.test('a pod of one container gets what Kubernetes gives it', async (t) => {
  const pod = defaulted('v1', 'Pod', { spec: { containers: [{ name: 'c', image: 'nginx' }] } });
  t.strictSame(pod['spec'], {
    ...fullPodSpec,
    enableServiceLinks: true,
    containers: [fullContainer('nginx', { imagePullPolicy: 'Always' })],
  });
});

t.test('each part of a pod gets its defaults', async (t) => {
  const pod = defaulted('v1', 'Pod', {
    spec: {
      hostNetwork: true,
      serviceAccount: 'robot',
      containers: [
        {
          name: 'c',
          image: 'nginx:1.27',
          ports: [{ containerPort: 80 }],
          env: [{ name: 'N', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
          livenessProbe: { httpGet: { port: 80 }, periodSeconds: 5 },
          readinessProbe: { grpc: { port: 9 } },
          lifecycle: { preStop: { httpGet: { port: 80 } } },
          resources: { limits: { cpu: '500m', memory: '1Mi' }, requests: { cpu: '250m' } },
        },
      ],
      volumes: [
        { name: 'a' },
        { name: 'b', secret: { secretName: 's' } },
        { name: 'c', hostPath: { path: '/x' } },
        {
          name: 'd',
          projected: {
            sources: [
              { serviceAccountToken: { path: 't' } },
              { downwardAPI: { items: [{ path: 'n', fieldRef: { fieldPath: 'metadata.name' } }] } },
            ],
          },
        },
        { name: 'e', rbd: { monitors: ['m'], image: 'i' } },
        { name: 'f', image: { reference: 'r:latest' } },
      ],
    },
  });
  t.strictSame(pod['spec'], {
    ...fullPodSpec,
    hostNetwork: true,
    serviceAccount: 'robot',
    serviceAccountName: 'robot',
    enableServiceLinks: true,
    containers: [
      fullContainer('nginx:1.27', {
        ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }],
        env: [
          { name: 'N', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
        ],
        livenessProbe: {
          httpGet: { port: 80, path: '/', scheme: 'HTTP' },
          periodSeconds: 5,
          timeoutSeconds: 1,
          successThreshold: 1,
          failureThreshold: 3,
        },
        readinessProbe: {
          grpc: { port: 9, service: '' },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
        lifecycle: { preStop: { httpGet: { port: 80, path: '/', scheme: 'HTTP' } } },
        resources: {
          limits: { cpu: '500m', memory: '1Mi' },
          requests: { cpu: '250m', memory: '1Mi' },
        },
        resizePolicy: [
          { resourceName: 'cpu', restartPolicy: 'NotRequired' },
          { resourceName: 'memory', restartPolicy: 'NotRequired' },
        ],
      }),
    ],
    volumes: [
      { name: 'a', emptyDir: {} },
      { name: 'b', secret: { secretName: 's', defaultMode: 420 } },
      { name: 'c', hostPath: { path: '/x', type: '' } },
      {
        name: 'd',
        projected: {
          defaultMode: 420,
          sources: [
            { serviceAccountToken: { path: 't', expirationSeconds: 3600 } },
            {
              downwardAPI: {
                items: [{ path: 'n', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } }],
              },
            },
          ],
        },
      },
      {
        name: 'e',
        rbd: {
          monitors: ['m'],
          image: 'i',
          pool: 'rbd',
          user: 'admin',
          keyring: '/etc/ceph/keyring',
        },
      },
      { name: 'f', image: { reference: 'r:latest', pullPolicy: 'Always' } },
    ],
  });
});

t.test('an image is pulled always only when its tag is latest', async (t) => {
  const cases: [string, string][] = [
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['nginx:1', 'IfNotPresent'],
    ['localhost:5000/nginx', 'Always'],
    ['localhost:5000/nginx:1', 'IfNotPresent'],
    ['nginx@sha256:abc', 'IfNotPresent'],
  ];
  for (const [image, policy] of cases) t.equal(pullPolicy(image), policy, image);
});

t.test('a pod as a whole asks for what its containers do, else for its limit', async (t) => {
  const of = (resources: object, requests: object = {}) => {
    const containers = [{ name: 'c', image: 'i', resources: { requests } }];
    const made = defaulted('v1', 'Pod', { spec: { containers, resources } });
    return (made['spec'] as { resources: object }).resources;
  };
  const limits = { cpu: '2', memory: '1Gi' };
  t.strictSame(of({ limits }), { limits, requests: limits });
  t.strictSame(of({ limits }, { cpu: '500m', 'ephemeral-storage': '1Gi' }), {
    limits,
    requests: { cpu: '500m', memory: '1Gi' },
  });
  t.strictSame(of({ requests: { cpu: '1' } }, { cpu: '500m' }), { requests: { cpu: '1' } });
  t.strictSame(of({}), {});
});
