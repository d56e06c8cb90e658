import t from 'tap';
import { expectComplaints } from './cases.ts';

t.test('a mistake in a core kind is refused in Kubernetes words', async (t) => {
  expectComplaints(t, [
    [
      'v1',
      'ConfigMap',
      { data: { 'a b': 'x' } },
      /^data\[a b\]: Invalid value: "a b": a valid config key/,
    ],
    [
      'v1',
      'ConfigMap',
      { data: { a: 'x' }, binaryData: { a: 'eA==' } },
      'data[a]: Invalid value: "a": duplicate of key present in binaryData',
    ],
    [
      'v1',
      'ConfigMap',
      { data: { a: 'x'.repeat(2 ** 20 + 1) } },
      ': Too long: must have at most 1048576 bytes',
    ],
    [
      'v1',
      'Secret',
      { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } },
      'data[tls.key]: Required value',
    ],
    [
      'v1',
      'Secret',
      { type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': '{' } },
      'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": must be valid json',
    ],
    [
      'v1',
      'Node',
      { spec: { taints: [{ key: 'a', effect: 'Never' }] } },
      /spec\.taints\[0\]\.effect: Unsupported value: "Never"/,
    ],
    [
      'v1',
      'PersistentVolumeClaim',
      { spec: { resources: {} } },
      'spec.accessModes: Required value: at least 1 access mode is required',
    ],
    [
      'v1',
      'Event',
      { involvedObject: { namespace: 'other' } },
      'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
    ],
    [
      'coordination.k8s.io/v1',
      'Lease',
      { spec: { leaseDurationSeconds: 0 } },
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    ],
  ]);
});
