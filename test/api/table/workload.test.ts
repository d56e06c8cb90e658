import t from 'tap';
import { expectRows, labels, selector } from './cases.ts';

const template = {
  metadata: { labels },
  spec: {
    containers: [
      { name: 'a', image: 'i:1' },
      { name: 'b', image: 'i:2' },
    ],
  },
};
const wide = { Containers: 'a,b', Images: 'i:1,i:2' };

t.test('each workload has the row kubectl shows', async (t) => {
  expectRows(t, [
    [
      'apps/v1',
      'Deployment',
      {
        spec: { replicas: 3, selector, template },
        status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 2 },
      },
      {
        Name: 'x',
        Ready: '2/3',
        'Up-to-date': 3,
        Available: 2,
        Age: '5m',
        ...wide,
        Selector: 'app=x',
      },
    ],
    [
      'apps/v1',
      'ReplicaSet',
      { spec: { replicas: 3, selector, template }, status: { replicas: 3, readyReplicas: 1 } },
      { Name: 'x', Desired: 3, Current: 3, Ready: 1, Age: '5m', ...wide, Selector: 'app=x' },
    ],
    [
      'apps/v1',
      'StatefulSet',
      { spec: { replicas: 2, template } },
      { Name: 'x', Ready: '0/2', Age: '5m', ...wide },
    ],
    [
      'apps/v1',
      'DaemonSet',
      {
        spec: { selector, template: { spec: { ...template.spec, nodeSelector: { os: 'linux' } } } },
        status: {
          desiredNumberScheduled: 2,
          currentNumberScheduled: 2,
          numberReady: 1,
          updatedNumberScheduled: 2,
          numberAvailable: 1,
        },
      },
      {
        Name: 'x',
        Desired: 2,
        Current: 2,
        Ready: 1,
        'Up-to-date': 2,
        Available: 1,
        'Node Selector': 'os=linux',
        Age: '5m',
        ...wide,
        Selector: 'app=x',
      },
    ],
    [
      'batch/v1',
      'Job',
      {
        spec: { completions: 3, selector, template },
        status: { succeeded: 1, startTime: '2026-01-01T00:58:00Z' },
      },
      {
        Name: 'x',
        Status: 'Running',
        Completions: '1/3',
        Duration: '2m',
        Age: '5m',
        ...wide,
        Selector: 'app=x',
      },
    ],
    [
      'batch/v1',
      'Job',
      {
        spec: { parallelism: 4, template },
        status: {
          succeeded: 1,
          startTime: '2026-01-01T00:58:00Z',
          completionTime: '2026-01-01T00:58:30Z',
          conditions: [{ type: 'Complete', status: 'True' }],
        },
      },
      {
        Name: 'x',
        Status: 'Complete',
        Completions: '1/1 of 4',
        Duration: '30s',
        Age: '5m',
        ...wide,
        Selector: '<none>',
      },
    ],
    [
      'batch/v1',
      'CronJob',
      {
        spec: { schedule: '* * * * *', suspend: false, jobTemplate: { spec: { template } } },
        status: { active: [{}] },
      },
      {
        Name: 'x',
        Schedule: '* * * * *',
        Timezone: '<none>',
        Suspend: 'False',
        Active: 1,
        'Last Schedule': '<none>',
        Age: '5m',
        ...wide,
        Selector: '<none>',
      },
    ],
    [
      'autoscaling/v2',
      'HorizontalPodAutoscaler',
      {
        spec: {
          scaleTargetRef: { kind: 'Deployment', name: 'd' },
          minReplicas: 1,
          maxReplicas: 3,
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 80 } } },
          ],
        },
        status: { currentReplicas: 2 },
      },
      {
        Name: 'x',
        Reference: 'Deployment/d',
        Targets: 'cpu: <unknown>/80%',
        MinPods: '1',
        MaxPods: 3,
        Replicas: 2,
        Age: '5m',
      },
    ],
    [
      'policy/v1',
      'PodDisruptionBudget',
      { spec: { minAvailable: '50%' } },
      {
        Name: 'x',
        'Min Available': '50%',
        'Max Unavailable': 'N/A',
        'Allowed Disruptions': 0,
        Age: '5m',
      },
    ],
  ]);
});
