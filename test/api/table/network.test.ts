import t from 'tap';
import { expectRows, labels, selector } from './cases.ts';

t.test('what routes and guards traffic has the row kubectl shows', async (t) => {
  expectRows(t, [
    [
      'v1',
      'Service',
      {
        spec: {
          type: 'NodePort',
          clusterIP: '10.0.0.1',
          selector: labels,
          ports: [
            { port: 80, nodePort: 30080, protocol: 'TCP' },
            { port: 53, protocol: 'UDP' },
          ],
        },
      },
      {
        Name: 'x',
        Type: 'NodePort',
        'Cluster-IP': '10.0.0.1',
        'External-IP': '<none>',
        'Port(s)': '80:30080/TCP,53/UDP',
        Age: '5m',
        Selector: 'app=x',
      },
    ],
    [
      'v1',
      'Service',
      { spec: { type: 'LoadBalancer', clusterIPs: ['10.0.0.1'] } },
      {
        Name: 'x',
        Type: 'LoadBalancer',
        'Cluster-IP': '10.0.0.1',
        'External-IP': '<pending>',
        'Port(s)': '<none>',
        Age: '5m',
        Selector: '<none>',
      },
    ],
    [
      'v1',
      'Endpoints',
      {
        subsets: [
          {
            addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }],
            ports: [{ port: 80 }, { port: 443 }],
          },
        ],
      },
      { Name: 'x', Endpoints: '10.0.0.1:80,10.0.0.2:80,10.0.0.1:443 + 1 more...', Age: '5m' },
    ],
    [
      'discovery.k8s.io/v1',
      'EndpointSlice',
      { addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [{ addresses: ['10.0.0.1'] }] },
      { Name: 'x', AddressType: 'IPv4', Ports: '80', Endpoints: '10.0.0.1', Age: '5m' },
    ],
    [
      'networking.k8s.io/v1',
      'Ingress',
      {
        spec: { rules: [{ host: 'a.b' }], tls: [{}] },
        status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
      },
      { Name: 'x', Class: '<none>', Hosts: 'a.b', Address: '1.2.3.4', Ports: '80, 443', Age: '5m' },
    ],
    [
      'networking.k8s.io/v1',
      'NetworkPolicy',
      { spec: { podSelector: selector } },
      { Name: 'x', 'Pod-Selector': 'app=x', Age: '5m' },
    ],
  ]);
});
