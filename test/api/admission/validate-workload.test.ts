import t from 'tap';
import { containers, expectComplaints, jobTemplate, labels, template, workload } from './cases.ts';

t.test('a mistake in a workload is refused in Kubernetes words', async (t) => {
  expectComplaints(t, [
    ['apps/v1', 'Deployment', { spec: { template } }, 'spec.selector: Required value'],
    [
      'apps/v1',
      'Deployment',
      { spec: { selector: {}, template } },
      'spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: empty selector is invalid for deployment',
    ],
    [
      'apps/v1',
      'Deployment',
      { spec: { selector: { matchLabels: { a: 'b' } }, template } },
      'spec.template.metadata.labels: Invalid value: map[string]string{"app":"x"}: `selector` does not match template `labels`',
    ],
    [
      'apps/v1',
      'Deployment',
      { spec: { ...workload, replicas: -1 } },
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'apps/v1',
      'Deployment',
      {
        spec: {
          ...workload,
          template: { metadata: { labels }, spec: { containers, restartPolicy: 'Never' } },
        },
      },
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
    [
      'apps/v1',
      'Deployment',
      { spec: { ...workload, strategy: { type: 'Recreate', rollingUpdate: {} } } },
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ],
    [
      'apps/v1',
      'Deployment',
      { spec: { ...workload, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } } },
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
    ],
    [
      'apps/v1',
      'Deployment',
      { spec: { ...workload, strategy: { rollingUpdate: { maxSurge: 'many' } } } },
      /maxSurge: Invalid value: "many": a valid percent string/,
    ],
    [
      'batch/v1',
      'Job',
      { spec: { template } },
      'spec.template.spec.restartPolicy: Unsupported value: "Always": supported values: "OnFailure", "Never"',
    ],
    [
      'batch/v1',
      'CronJob',
      { spec: { schedule: '* *', jobTemplate: { spec: { template: jobTemplate } } } },
      'spec.schedule: Invalid value: "* *": expected exactly 5 fields, found 2: [* *]',
    ],
  ]);
});
