import t from 'tap';
import type { JsonObject } from '#api/resources/json.ts';
import { containers, expectComplaints, pod } from './cases.ts';

const MISTAKES: [JsonObject, string | RegExp][] = [
  [{ spec: {} }, 'spec.containers: Required value'],
  [{ spec: { containers: [{ image: 'i' }] } }, 'spec.containers[0].name: Required value'],
  [{ spec: { containers: [{ name: 'c' }] } }, 'spec.containers[0].image: Required value'],
  [
    { spec: { containers: [{ name: 'C', image: 'i' }] } },
    /^spec\.containers\[0\]\.name: Invalid value: "C": a lowercase RFC 1123 label/,
  ],
  [
    { spec: { containers: [...containers, ...containers] } },
    'spec.containers[1].name: Duplicate value: "c"',
  ],
  [
    { spec: { containers, initContainers: containers } },
    'spec.initContainers[0].name: Duplicate value: "c"',
  ],
  [
    pod({ image: ' i' }),
    'spec.containers[0].image: Invalid value: " i": must not have leading or trailing whitespace',
  ],
  [
    pod({ imagePullPolicy: 'Sometimes' }),
    'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
  ],
  [
    pod({ ports: [{ containerPort: 0 }] }),
    'spec.containers[0].ports[0].containerPort: Required value',
  ],
  [
    pod({ ports: [{ containerPort: 70000 }] }),
    'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
  ],
  [
    pod({ ports: [{ containerPort: 80, protocol: 'QUIC' }] }),
    'spec.containers[0].ports[0].protocol: Unsupported value: "QUIC": supported values: "SCTP", "TCP", "UDP"',
  ],
  [
    pod({ resizePolicy: [{ resourceName: 'disk', restartPolicy: 'NotRequired' }] }),
    'spec.containers[0].resizePolicy: Unsupported value: "disk": supported values: "cpu", "memory"',
  ],
  [
    pod({ resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'Maybe' }] }),
    'spec.containers[0].resizePolicy: Unsupported value: "Maybe": supported values: "NotRequired", "RestartContainer"',
  ],
  [
    pod({
      resizePolicy: [
        { resourceName: 'cpu', restartPolicy: 'NotRequired' },
        { resourceName: 'cpu', restartPolicy: 'NotRequired' },
      ],
    }),
    'spec.containers[0].resizePolicy: Duplicate value: "cpu"',
  ],
  [
    pod(
      { resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] },
      { restartPolicy: 'Never' },
    ),
    "spec.containers[0].resizePolicy: Invalid value: \"RestartContainer\": must be 'NotRequired' when `restartPolicy` is 'Never'",
  ],
  [
    pod({}, { resources: { limits: { 'ephemeral-storage': '1Gi' } } }),
    'spec.resources.limits[ephemeral-storage]: Unsupported value: "ephemeral-storage": supported values: "cpu", "hugepages-", "memory"',
  ],
  [
    pod({}, { resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
    'spec.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
  ],
  [
    pod({ resources: { requests: { cpu: '2' } } }, { resources: { requests: { cpu: '1' } } }),
    'spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2',
  ],
  [
    pod(
      { resources: { requests: { memory: '1Gi' }, limits: { memory: '2Gi' } } },
      { resources: { limits: { memory: '1Gi' } } },
    ),
    'spec.containers[0].resources.limits[memory]: Invalid value: "2Gi": must be less than or equal to pod limits of 1Gi',
  ],
  [pod({ env: [{ value: 'x' }] }), 'spec.containers[0].env[0].name: Required value'],
  [
    pod({ env: [{ name: 'a=b' }] }),
    /^spec\.containers\[0\]\.env\[0\]\.name: Invalid value: "a=b": a valid environment variable name/,
  ],
  [pod({ env: [{ name: 'A', valueFrom: {} }] }), /must specify one of: `fieldRef`/],
  [
    pod({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'status.phase' } } }] }),
    /fieldPath: Unsupported value: "status.phase"/,
  ],
  [
    pod({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
    'spec.containers[0].volumeMounts[0].name: Not found: "v"',
  ],
  [
    pod({ volumeMounts: [{ name: 'v' }] }, { volumes: [{ name: 'v' }] }),
    'spec.containers[0].volumeMounts[0].mountPath: Required value',
  ],
  [
    pod({}, { volumes: [{ name: 'v' }, { name: 'v' }] }),
    'spec.volumes[1].name: Duplicate value: "v"',
  ],
  [
    pod({}, { volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/' } }] }),
    'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
  ],
  [
    pod({}, { volumes: [{ name: 'v', secret: {} }] }),
    'spec.volumes[0].secret.secretName: Required value',
  ],
  [
    pod({}, { volumes: [{ name: 'v', hostPath: { path: '/', type: 'Dir' } }] }),
    /spec\.volumes\[0\]\.hostPath\.type: Unsupported value: "Dir"/,
  ],
  [
    pod({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
    'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
  ],
  [
    pod({ resources: { limits: { memory: '-1' } } }),
    'spec.containers[0].resources.limits[memory]: Invalid value: "-1": must be greater than or equal to 0',
  ],
  [
    pod({ resources: { limits: { disk: '1' } } }),
    'spec.containers[0].resources.limits[disk]: Invalid value: "disk": must be a standard resource for containers',
  ],
  [
    pod({ resources: { limits: { 'example.com/gpu': '500m' } } }),
    'spec.containers[0].resources.limits[example.com/gpu]: Invalid value: "500m": must be an integer',
  ],
  [
    pod({ livenessProbe: {} }),
    'spec.containers[0].livenessProbe: Required value: must specify a handler type',
  ],
  [
    pod({ livenessProbe: { tcpSocket: { port: 1 }, exec: { command: ['x'] } } }),
    'spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
  ],
  [
    pod({ livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } }),
    'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
  ],
  [
    pod({}, { restartPolicy: 'Maybe' }),
    'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"',
  ],
  [
    pod({}, { dnsPolicy: 'None' }),
    'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
  ],
  [
    pod({}, { terminationGracePeriodSeconds: -1 }),
    'spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal to 0',
  ],
  [
    pod({}, { activeDeadlineSeconds: 0 }),
    'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive',
  ],
  [
    pod({}, { tolerations: [{ key: 'a', operator: 'Has' }] }),
    'spec.tolerations[0].operator: Unsupported value: "Has": supported values: "Equal", "Exists"',
  ],
  [
    pod({}, { nodeSelector: { 'a b': 'c' } }),
    /^spec\.nodeSelector: Invalid value: "a b": name part must consist of/,
  ],
  [
    pod(
      {},
      { initContainers: [{ name: 'i', image: 'i', livenessProbe: { exec: { command: ['x'] } } }] },
    ),
    'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
  ],
  [
    pod({
      ports: [
        { containerPort: 1, hostPort: 9 },
        { containerPort: 2, hostPort: 9 },
      ],
    }),
    'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//9"',
  ],
];

t.test('a mistake in a pod is refused in Kubernetes words', async (t) => {
  expectComplaints(
    t,
    MISTAKES.map(([rest, complaint]) => ['v1', 'Pod', rest, complaint]),
  );
});
