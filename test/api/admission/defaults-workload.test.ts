import t from 'tap';
import { expectDefaults, fullContainer, fullPodSpec } from './cases.ts';

const template = {
  metadata: { labels: { app: 'x' } },
  spec: { containers: [{ name: 'c', image: 'i:1' }] },
};
const fullTemplate = { ...template, spec: { ...fullPodSpec, containers: [fullContainer('i:1')] } };

t.test('every workload gets its defaults, once and for all', async (t) => {
  expectDefaults(t, [
    [
      'apps/v1',
      'Deployment',
      { spec: { selector: {}, template } },
      {
        spec: {
          selector: {},
          replicas: 1,
          revisionHistoryLimit: 10,
          progressDeadlineSeconds: 600,
          strategy: {
            type: 'RollingUpdate',
            rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' },
          },
          template: fullTemplate,
        },
      },
    ],
    [
      'apps/v1',
      'Deployment',
      { spec: { replicas: 0, strategy: { type: 'Recreate' } } },
      {
        spec: {
          replicas: 0,
          revisionHistoryLimit: 10,
          progressDeadlineSeconds: 600,
          strategy: { type: 'Recreate' },
        },
      },
    ],
    [
      'apps/v1',
      'ReplicaSet',
      { spec: { template } },
      { spec: { replicas: 1, template: fullTemplate } },
    ],
    [
      'apps/v1',
      'DaemonSet',
      { spec: { template } },
      {
        spec: {
          revisionHistoryLimit: 10,
          updateStrategy: {
            type: 'RollingUpdate',
            rollingUpdate: { maxUnavailable: 1, maxSurge: 0 },
          },
          template: fullTemplate,
        },
      },
    ],
    [
      'apps/v1',
      'StatefulSet',
      { spec: { template, volumeClaimTemplates: [{ metadata: { name: 'd' } }] } },
      {
        spec: {
          replicas: 1,
          revisionHistoryLimit: 10,
          podManagementPolicy: 'OrderedReady',
          updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
          persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
          volumeClaimTemplates: [
            {
              apiVersion: 'v1',
              kind: 'PersistentVolumeClaim',
              metadata: { name: 'd' },
              spec: { volumeMode: 'Filesystem' },
              status: { phase: 'Pending' },
            },
          ],
          template: fullTemplate,
        },
      },
    ],
    [
      'batch/v1',
      'Job',
      { spec: { template } },
      {
        metadata: { name: 'x', labels: { app: 'x' } },
        spec: {
          completions: 1,
          parallelism: 1,
          backoffLimit: 6,
          completionMode: 'NonIndexed',
          suspend: false,
          podReplacementPolicy: 'TerminatingOrFailed',
          template: fullTemplate,
        },
      },
    ],
    [
      'batch/v1',
      'CronJob',
      { spec: { schedule: '* * * * *', jobTemplate: { spec: { template } } } },
      {
        spec: {
          schedule: '* * * * *',
          concurrencyPolicy: 'Allow',
          suspend: false,
          successfulJobsHistoryLimit: 3,
          failedJobsHistoryLimit: 1,
          jobTemplate: { spec: { template: fullTemplate } },
        },
      },
    ],
    [
      'v1',
      'ReplicationController',
      { spec: { template } },
      {
        metadata: { name: 'x', labels: { app: 'x' } },
        spec: { replicas: 1, selector: { app: 'x' }, template: fullTemplate },
      },
    ],
  ]);
});
