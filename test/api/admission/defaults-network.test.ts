import t from 'tap';
import { expectDefaults } from './cases.ts';

t.test('what routes and guards traffic gets its defaults, once and for all', async (t) => {
  expectDefaults(t, [
    [
      'v1',
      'Service',
      { spec: { ports: [{ port: 80 }] } },
      {
        spec: {
          ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
          sessionAffinity: 'None',
          type: 'ClusterIP',
          internalTrafficPolicy: 'Cluster',
        },
      },
    ],
    [
      'v1',
      'Service',
      {
        spec: {
          type: 'NodePort',
          sessionAffinity: 'ClientIP',
          ports: [{ port: 80, targetPort: 'web' }],
        },
      },
      {
        spec: {
          type: 'NodePort',
          sessionAffinity: 'ClientIP',
          sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
          ports: [{ port: 80, protocol: 'TCP', targetPort: 'web' }],
          externalTrafficPolicy: 'Cluster',
          internalTrafficPolicy: 'Cluster',
        },
      },
    ],
    [
      'v1',
      'Service',
      {
        spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
        status: {
          loadBalancer: {
            ingress: [{ ip: '192.0.2.1' }, { ip: '192.0.2.2', ipMode: 'Proxy' }, { hostname: 'a' }],
          },
        },
      },
      {
        spec: {
          type: 'LoadBalancer',
          ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
          sessionAffinity: 'None',
          externalTrafficPolicy: 'Cluster',
          internalTrafficPolicy: 'Cluster',
          allocateLoadBalancerNodePorts: true,
        },
        status: {
          loadBalancer: {
            ingress: [
              { ip: '192.0.2.1', ipMode: 'VIP' },
              { ip: '192.0.2.2', ipMode: 'Proxy' },
              { hostname: 'a' },
            ],
          },
        },
      },
    ],
    [
      'networking.k8s.io/v1',
      'NetworkPolicy',
      { spec: { podSelector: {}, egress: [{ ports: [{ port: 53 }] }] } },
      {
        spec: {
          podSelector: {},
          egress: [{ ports: [{ port: 53, protocol: 'TCP' }] }],
          policyTypes: ['Ingress', 'Egress'],
        },
      },
    ],
  ]);
});
