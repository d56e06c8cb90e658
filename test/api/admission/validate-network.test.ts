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
      'ServiceCIDR',
      { spec: { cidrs: [] } },
      'spec.cidrs: Required value: at least one CIDR required',
    ],
    [
      'networking.k8s.io/v1',
      'ServiceCIDR',
      { spec: { cidrs: ['10.0.0.0/33'] } },
      'spec.cidrs[0]: Invalid value: "10.0.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
    [
      'networking.k8s.io/v1',
      'ServiceCIDR',
      { spec: { cidrs: ['10.0.0.1/24'] } },
      'spec.cidrs[0]: Invalid value: "10.0.0.1/24": must be in canonical form ("10.0.0.0/24")',
    ],
    [
      'networking.k8s.io/v1',
      'ServiceCIDR',
      { spec: { cidrs: ['10.0.0.0/24', '10.1.0.0/24'] } },
      'spec.cidrs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one IP for each IP family',
    ],
    [
      'networking.k8s.io/v1',
      'ServiceCIDR',
      { spec: { cidrs: ['10.0.0.0/24', 'fd00::/112', 'fd01::/112'] } },
      /^spec.cidrs: Invalid value: .*: may only hold up to 2 values/,
    ],
    [
      'networking.k8s.io/v1',
      'Ingress',
      { spec: {} },
      /^spec: Invalid value: \[\]: either `defaultBackend` or `rules` must be specified/,
    ],
  ]);
});
