import t from 'tap';
import { creationTimestamp, expectRows } from './cases.ts';

t.test('each policy has the row kubectl shows', async (t) => {
  expectRows(t, [
    [
      'coordination.k8s.io/v1',
      'Lease',
      { spec: { holderIdentity: 'me' } },
      { Name: 'x', Holder: 'me', Age: '5m' },
    ],
    [
      'apiextensions.k8s.io/v1',
      'CustomResourceDefinition',
      {},
      { Name: 'x', 'Created At': creationTimestamp },
    ],
    ['rbac.authorization.k8s.io/v1', 'Role', {}, { Name: 'x', 'Created At': creationTimestamp }],
    [
      'rbac.authorization.k8s.io/v1',
      'RoleBinding',
      {
        roleRef: { kind: 'Role', name: 'r' },
        subjects: [
          { kind: 'User', name: 'u' },
          { kind: 'ServiceAccount', namespace: 'n', name: 's' },
        ],
      },
      { Name: 'x', Role: 'Role/r', Age: '5m', Users: 'u', Groups: '', ServiceAccounts: 'n/s' },
    ],
    [
      'scheduling.k8s.io/v1',
      'PriorityClass',
      { value: 5, preemptionPolicy: 'Never' },
      { Name: 'x', Value: 5, 'Global-Default': false, Age: '5m', PreemptionPolicy: 'Never' },
    ],
  ]);
});
