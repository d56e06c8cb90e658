import t from 'tap';
import { expectRows } from './cases.ts';

t.test('each core kind has the row kubectl shows', async (t) => {
  expectRows(t, [
    [
      'v1',
      'Node',
      {
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          addresses: [{ type: 'InternalIP', address: '10.1.1.1' }],
          nodeInfo: { kubeletVersion: 'v1.36.0', osImage: 'Debian' },
        },
      },
      {
        Name: 'x',
        Status: 'Ready,SchedulingDisabled',
        Roles: '<none>',
        Age: '5m',
        Version: 'v1.36.0',
        'Internal-IP': '10.1.1.1',
        'External-IP': '<none>',
        'OS-Image': 'Debian',
        'Kernel-Version': '<unknown>',
        'Container-Runtime': '<unknown>',
      },
    ],
    [
      'v1',
      'Namespace',
      { status: { phase: 'Active' } },
      { Name: 'x', Status: 'Active', Age: '5m' },
    ],
    [
      'v1',
      'ConfigMap',
      { data: { a: '1' }, binaryData: { b: '' } },
      { Name: 'x', Data: 2, Age: '5m' },
    ],
    [
      'v1',
      'Secret',
      { type: 'Opaque', data: { a: '' } },
      { Name: 'x', Type: 'Opaque', Data: 1, Age: '5m' },
    ],
    ['v1', 'ServiceAccount', {}, { Name: 'x', Age: '5m' }],
    [
      'v1',
      'Event',
      {
        involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'spec.containers{c}' },
        reason: 'Started',
        message: ' hello \n',
        type: 'Normal',
        source: { component: 'agent', host: 'n' },
        firstTimestamp: '2026-01-01T00:50:00Z',
        lastTimestamp: '2026-01-01T00:59:30Z',
        count: 4,
      },
      {
        'Last Seen': '30s',
        Type: 'Normal',
        Reason: 'Started',
        Object: 'pod/p',
        Subobject: 'spec.containers{c}',
        Source: 'agent, n',
        Message: 'hello',
        'First Seen': '10m',
        Count: 4,
        Name: 'x',
      },
    ],
    [
      'v1',
      'ResourceQuota',
      { status: { hard: { pods: '4', 'limits.cpu': '2' }, used: { pods: '1' } } },
      { Name: 'x', Request: 'pods: 1/4', Limit: 'limits.cpu: 0/2', Age: '5m' },
    ],
  ]);
});
