import t from 'tap';
import { expectComplaints } from './cases.ts';

t.test('a mistake in a policy is refused in Kubernetes words', async (t) => {
  expectComplaints(t, [
    [
      'rbac.authorization.k8s.io/v1',
      'Role',
      { rules: [{ apiGroups: [''], resources: ['pods'] }] },
      'rules[0].verbs: Required value: verbs must contain at least one value',
    ],
    [
      'rbac.authorization.k8s.io/v1',
      'RoleBinding',
      { roleRef: { kind: 'Thing', name: 'r' } },
      'roleRef.kind: Unsupported value: "Thing": supported values: "Role", "ClusterRole"',
    ],
    [
      'policy/v1',
      'PodDisruptionBudget',
      { spec: { minAvailable: 1, maxUnavailable: 1 } },
      /minAvailable and maxUnavailable cannot be both set/,
    ],
    [
      'autoscaling/v2',
      'HorizontalPodAutoscaler',
      { spec: { scaleTargetRef: { kind: 'Deployment', name: 'd' } } },
      'spec.maxReplicas: Invalid value: 0: must be greater than 0',
    ],
    [
      'scheduling.k8s.io/v1',
      'PriorityClass',
      { value: 2_000_000_000 },
      'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
    ],
    [
      'apiextensions.k8s.io/v1',
      'CustomResourceDefinition',
      {
        spec: { group: 'a.b', names: { plural: 'cs', kind: 'C' }, scope: 'Cluster', versions: [] },
      },
      /must have exactly one version marked as storage version|spec\.versions/,
    ],
  ]);
});
