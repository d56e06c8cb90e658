import t from 'tap';
import { healthOf } from '#api/resources/health.ts';

const condition = (type: string, status: string, reason = '', message = '') => ({
  conditions: [{ type, status, reason, message }],
});
const seen = { observedGeneration: 2 };

const cases: readonly [string, string, object, object | undefined, string][] = [
  ['v1', 'ConfigMap', {}, undefined, 'healthy'],
  ['apps/v1', 'Deployment', { replicas: 2 }, undefined, 'waiting its controller has not seen it'],
  [
    'apps/v1',
    'Deployment',
    { replicas: 2 },
    { observedGeneration: 1 },
    'waiting its controller has not seen the change',
  ],
  [
    'apps/v1',
    'Deployment',
    { replicas: 2 },
    { ...seen, updatedReplicas: 1 },
    'waiting 1 of 2 replicas are updated',
  ],
  [
    'apps/v1',
    'Deployment',
    { replicas: 2 },
    { ...seen, updatedReplicas: 2, replicas: 3 },
    'waiting 1 old replicas are to go',
  ],
  [
    'apps/v1',
    'Deployment',
    {},
    { ...seen, updatedReplicas: 1, replicas: 1 },
    'waiting 0 of 1 replicas are available',
  ],
  [
    'apps/v1',
    'Deployment',
    {},
    { ...seen, updatedReplicas: 1, replicas: 1, availableReplicas: 1 },
    'healthy',
  ],
  ['apps/v1', 'Deployment', { replicas: 0 }, { ...seen }, 'healthy'],
  [
    'apps/v1',
    'Deployment',
    {},
    { ...seen, ...condition('Progressing', 'False', 'ProgressDeadlineExceeded', 'm') },
    'failed ProgressDeadlineExceeded: m',
  ],
  [
    'apps/v1',
    'StatefulSet',
    { replicas: 3 },
    { ...seen, readyReplicas: 1 },
    'waiting 1 of 3 replicas are ready',
  ],
  [
    'apps/v1',
    'StatefulSet',
    { replicas: 2 },
    { ...seen, readyReplicas: 2, updateRevision: 'b', currentRevision: 'a', updatedReplicas: 1 },
    'waiting 1 of 2 replicas are updated',
  ],
  [
    'apps/v1',
    'DaemonSet',
    {},
    { ...seen, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2 },
    'waiting 2 of 3 pods are available',
  ],
  ['batch/v1', 'Job', {}, {}, 'waiting it has not ended'],
  ['batch/v1', 'Job', {}, condition('Complete', 'True'), 'healthy'],
  [
    'batch/v1',
    'Job',
    {},
    condition('Failed', 'True', 'BackoffLimitExceeded'),
    'failed BackoffLimitExceeded',
  ],
  ['v1', 'Pod', {}, { phase: 'Pending' }, 'waiting it is Pending'],
  ['v1', 'Pod', {}, { phase: 'Running', ...condition('Ready', 'True') }, 'healthy'],
  ['v1', 'Pod', {}, { phase: 'Failed', message: 'evicted' }, 'failed evicted'],
  ['v1', 'PersistentVolumeClaim', {}, { phase: 'Pending' }, 'healthy'],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition', {}, {}, 'waiting it is not served yet'],
  [
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    {},
    condition('Established', 'True'),
    'healthy',
  ],
  ['bayplan.dev/v1alpha1', 'Container', {}, { phase: 'running' }, 'healthy'],
  [
    'bayplan.dev/v1alpha1',
    'Container',
    {},
    { phase: 'exited', exitCode: 3 },
    'failed it ended with exit code 3',
  ],
  [
    'bayplan.dev/v1alpha1',
    'Container',
    { restartPolicy: 'always' },
    { phase: 'exited', exitCode: 3 },
    'waiting it is exited',
  ],
  ['bayplan.dev/v1alpha1', 'Container', { state: 'Stopped' }, { phase: 'exited' }, 'healthy'],
  ['example.org/v1', 'Thing', {}, {}, 'healthy'],
  ['example.org/v1', 'Thing', {}, condition('Ready', 'False', 'Why', 'so'), 'waiting Why: so'],
  ['example.org/v1', 'Thing', {}, condition('Stalled', 'True', 'Stuck'), 'failed Stuck'],
];

for (const [apiVersion, kind, spec, status, expected] of cases) {
  t.test(`${kind} ${JSON.stringify(status ?? null)}: ${expected}`, async (t) => {
    const metadata = { name: 'x', generation: 2 };
    const health = healthOf({
      apiVersion,
      kind,
      metadata,
      spec,
      ...(status === undefined ? {} : { status }),
    });
    t.equal(health.is === 'healthy' ? health.is : `${health.is} ${health.why}`, expected);
  });
}
