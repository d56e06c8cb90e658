import t from 'tap';
import type { JsonObject } from '#api/resources/json.ts';
import { changes, containers, jobTemplate, pod, workload } from './cases.ts';

t.test('an update may change what Kubernetes lets it change', async (t) => {
  const other = { metadata: { labels: { app: 'y' } }, spec: { containers } };
  const cases: [string, string, JsonObject, JsonObject, (string | RegExp)[]][] = [
    ['v1', 'Pod', pod({}), pod({ image: 'other:1', imagePullPolicy: 'Always' }), []],
    [
      'v1',
      'Pod',
      pod({}),
      pod({}, { activeDeadlineSeconds: 5, tolerations: [{ operator: 'Exists' }] }),
      [],
    ],
    [
      'v1',
      'Pod',
      pod({}),
      pod({ command: ['x'] }),
      [
        /^spec: Forbidden: pod updates may not change fields other than `spec.containers\[\*\].image`/,
      ],
    ],
    [
      'v1',
      'Pod',
      pod({}),
      { spec: { containers: [...containers, { name: 'd', image: 'i' }] } },
      ['spec.containers: Forbidden: pod updates may not add or remove containers'],
    ],
    [
      'v1',
      'Pod',
      pod({}, { activeDeadlineSeconds: 5 }),
      pod({}, { activeDeadlineSeconds: 9 }),
      [
        'spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value',
      ],
    ],
    [
      'v1',
      'Pod',
      pod({}, { tolerations: [{ operator: 'Exists' }] }),
      pod({}),
      [
        'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
      ],
    ],
    [
      'v1',
      'Pod',
      pod({}, { schedulingGates: [{ name: 'g' }] }),
      pod({}, { nodeSelector: { a: 'b' } }),
      [],
    ],
    ['apps/v1', 'Deployment', { spec: workload }, { spec: { ...workload, replicas: 5 } }, []],
    [
      'apps/v1',
      'Deployment',
      { spec: workload },
      { spec: { selector: { matchLabels: { app: 'y' } }, template: other } },
      [
        /^spec\.selector: Invalid value: v1\.LabelSelector\{MatchLabels:map\[string\]string\{"app":"y"\}, .*field is immutable$/,
      ],
    ],
    [
      'apps/v1',
      'StatefulSet',
      { spec: workload },
      { spec: { ...workload, serviceName: 's' } },
      [/^spec: Forbidden: updates to statefulset spec for fields other than 'replicas'/],
    ],
    [
      'batch/v1',
      'Job',
      { spec: { template: jobTemplate } },
      { spec: { template: jobTemplate, parallelism: 3, suspend: true, completions: 1 } },
      [],
    ],
    [
      'batch/v1',
      'Job',
      { spec: { template: jobTemplate, completions: 1 } },
      { spec: { template: jobTemplate, completions: 2 } },
      ['spec.completions: Invalid value: 2: field is immutable'],
    ],
    [
      'v1',
      'ConfigMap',
      { immutable: true, data: { a: '1' } },
      { immutable: true, data: { a: '2' } },
      ['data: Forbidden: field is immutable when `immutable` is set'],
    ],
    [
      'v1',
      'Secret',
      { type: 'a/b' },
      { type: 'c/d' },
      ['type: Invalid value: "c/d": field is immutable'],
    ],
    [
      'v1',
      'Service',
      { spec: { clusterIP: '10.0.0.1', ports: [{ port: 80 }] } },
      { spec: { clusterIP: '10.0.0.2', ports: [{ port: 80 }] } },
      [/^spec\.clusterIPs\[0\]: .*may not change once set/],
    ],
    [
      'rbac.authorization.k8s.io/v1',
      'RoleBinding',
      { roleRef: { kind: 'Role', name: 'a' } },
      { roleRef: { kind: 'Role', name: 'b' } },
      [/cannot change roleRef/],
    ],
    [
      'storage.k8s.io/v1',
      'StorageClass',
      { provisioner: 'a' },
      { provisioner: 'b' },
      ['provisioner: Forbidden: updates to provisioner are forbidden.'],
    ],
  ];
  for (const [apiVersion, kind, before, after, expected] of cases) {
    const found = changes(apiVersion, kind, before, after);
    t.equal(found.length, expected.length, `${kind}: ${JSON.stringify(found)}`);
    for (const [i, wanted] of expected.entries()) {
      if (typeof wanted === 'string') t.equal(found[i], wanted);
      else t.match(found[i], wanted);
    }
  }
});
