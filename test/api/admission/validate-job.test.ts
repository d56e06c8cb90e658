import t from 'tap';
import type { JsonObject } from '#api/resources/json.ts';
import { containers, expectComplaints, jobTemplate, labels, workload } from './cases.ts';

const indexed = { completionMode: 'Indexed', completions: 3 };
const rules = (...all: JsonObject[]) => ({ podFailurePolicy: { rules: all } });
const exit = (more: JsonObject) => ({
  action: 'FailJob',
  onExitCodes: { operator: 'In', values: [1], ...more },
});
const success = (...all: JsonObject[]) => ({ ...indexed, successPolicy: { rules: all } });
const restarting = {
  template: { metadata: { labels }, spec: { containers, restartPolicy: 'OnFailure' } },
};

const job = (spec: JsonObject, complaint: string): [string, string, JsonObject, string] => [
  'batch/v1',
  'Job',
  { spec: { template: jobTemplate, ...spec } },
  complaint,
];
const set = (spec: JsonObject, complaint: string): [string, string, JsonObject, string] => [
  'apps/v1',
  'StatefulSet',
  { spec: { ...workload, serviceName: 's', ...spec } },
  complaint,
];

t.test('policies of a Job that make no sense are refused with the field', async (t) => {
  const policy = 'spec.podFailurePolicy.rules[0]';
  expectComplaints(t, [
    job(
      { backoffLimitPerIndex: 1 },
      'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode',
    ),
    job(
      { ...indexed, maxFailedIndexes: 1 },
      'spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified',
    ),
    job(
      { ...indexed, backoffLimitPerIndex: 1, maxFailedIndexes: 4 },
      'spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions',
    ),
    job(
      { ...indexed, parallelism: 100_001 },
      'spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed',
    ),
    job(
      { managedBy: 'me' },
      'spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")',
    ),
    job(
      { podReplacementPolicy: 'Never' },
      'spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", "TerminatingOrFailed"',
    ),
    job(
      { ...rules(exit({})), ...restarting },
      'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
    ),
    job(
      rules(exit({ values: [0] })),
      `${policy}.onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator`,
    ),
    job(
      rules(exit({ values: [2, 1] })),
      `${policy}.onExitCodes.values: Invalid value: [2,1]: must be ordered`,
    ),
    job(rules(exit({ values: [1, 1] })), `${policy}.onExitCodes.values[1]: Duplicate value: 1`),
    job(
      rules(exit({ values: [] })),
      `${policy}.onExitCodes.values: Invalid value: []: at least one value is required`,
    ),
    job(
      rules(exit({ containerName: 'none' })),
      `${policy}.onExitCodes.containerName: Invalid value: "none": must be one of the container or initContainer names in the pod template`,
    ),
    job(
      rules({ action: 'FailJob' }),
      `${policy}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required`,
    ),
    job(
      rules({ ...exit({}), action: 'FailIndex' }),
      `${policy}.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set`,
    ),
    job(
      rules({ ...exit({}), action: 'Panic' }),
      `${policy}.action: Unsupported value: "Panic": supported values: "Count", "FailIndex", "FailJob", "Ignore"`,
    ),
    job(
      success(),
      'spec.successPolicy.rules: Required value: at least one rules must be specified when the successPolicy is specified',
    ),
    job(
      success({}),
      'spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified',
    ),
    job(
      success({ succeededCount: 4 }),
      'spec.successPolicy.rules[0].succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of specified completions)',
    ),
    job(
      success({ succeededCount: 2, succeededIndexes: '0' }),
      'spec.successPolicy.rules[0].succeededCount: Invalid value: 2: must be less than or equal to 1 (the number of indexes in the specified succeededIndexes field)',
    ),
    job(
      success({ succeededIndexes: '0,3' }),
      'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0,3": error parsing succeededIndexes: too large index: "3"',
    ),
    job(
      success({ succeededIndexes: '1,0' }),
      'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "1,0": error parsing succeededIndexes: non-increasing order, previous: 1, current: 0',
    ),
    job(
      success({ succeededIndexes: 'a' }),
      'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "a": error parsing succeededIndexes: cannot convert string to integer for index: "a"',
    ),
  ]);
});

t.test('a StatefulSet that could never be what it says is refused', async (t) => {
  const retention = (whenDeleted: string) => ({
    persistentVolumeClaimRetentionPolicy: { whenDeleted },
  });
  expectComplaints(t, [
    set(
      { ordinals: { start: -1 } },
      'spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0',
    ),
    set(
      retention('Forget'),
      'spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Forget": supported values: "Delete", "Retain"',
    ),
    set(
      { updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } },
      'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0',
    ),
  ]);
});

t.test('a DaemonSet rolls either way, not both and not none', async (t) => {
  const rolling = (maxUnavailable: number, maxSurge: number) => ({
    spec: { ...workload, updateStrategy: { rollingUpdate: { maxUnavailable, maxSurge } } },
  });
  const field = 'spec.updateStrategy.rollingUpdate';
  expectComplaints(t, [
    [
      'apps/v1',
      'DaemonSet',
      rolling(1, 1),
      `${field}.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero`,
    ],
    [
      'apps/v1',
      'DaemonSet',
      rolling(0, 0),
      `${field}.maxUnavailable: Required value: cannot be 0 when maxSurge is 0`,
    ],
  ]);
});
