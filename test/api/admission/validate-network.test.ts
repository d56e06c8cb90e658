import t from 'tap';
import { expectComplaints, type Mistake } from './cases.ts';

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
      'v1',
      'Service',
      { spec: { ports: [{ port: 80 }], loadBalancerSourceRanges: ['10.0.0.0/8'] } },
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
    ...['10.0.0.0', '10.0.0.0/33', '10.0.0/8', '2001:db8::/129', '10.0.0.0/8/8'].map(
      (range): Mistake => [
        'v1',
        'Service',
        {
          spec: {
            type: 'LoadBalancer',
            ports: [{ port: 80 }],
            loadBalancerSourceRanges: [' 10.0.0.0/8 ', '2001:db8::/32', range],
          },
        },
        `spec.LoadBalancerSourceRanges[2]: Invalid value: "${range}": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)`,
      ],
    ),
    [
      'v1',
      'Service',
      { spec: { ports: [{ port: 80 }], externalTrafficPolicy: 'Local' } },
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    ],
    [
      'v1',
      'Service',
      { spec: { type: 'NodePort', ports: [{ port: 80 }], externalTrafficPolicy: 'Near' } },
      'spec.externalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"',
    ],
    [
      'v1',
      'Service',
      { spec: { ports: [{ port: 80 }], internalTrafficPolicy: 'Near' } },
      'spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"',
    ],
    [
      'v1',
      'Service',
      { spec: { type: 'LoadBalancer', ports: [{ port: 80 }], healthCheckNodePort: 31000 } },
      "spec.healthCheckNodePort: Invalid value: 31000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
    [
      'v1',
      'Service',
      { spec: { ports: [{ port: 80 }], trafficDistribution: 'PreferFar' } },
      'spec.trafficDistribution: Unsupported value: "PreferFar": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
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
