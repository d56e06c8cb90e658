import t from 'tap';
import { expectComplaints } from './cases.ts';

t.test('a mistake in what routes traffic is refused in Kubernetes words', async (t) => {
  expectComplaints(t, [
    ['v1', 'Service', { spec: {} }, 'spec.ports: Required value'],
    [
      'v1',
      'Service',
      { spec: { ports: [{ port: 80 }, { name: 'b', port: 81 }] } },
      'spec.ports[0].name: Required value',
    ],
    [
      'v1',
      'Service',
      { spec: { ports: [{ port: 0 }] } },
      'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
    [
      'v1',
      'Service',
      { spec: { type: 'Cluster', ports: [{ port: 80 }] } },
      'spec.type: Unsupported value: "Cluster": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
    [
      'v1',
      'Service',
      { spec: { ports: [{ port: 80, nodePort: 30000 }] } },
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ],
    [
      'networking.k8s.io/v1',
      'Ingress',
      { spec: {} },
      /^spec: Invalid value: \[\]: either `defaultBackend` or `rules` must be specified/,
    ],
  ]);
});
