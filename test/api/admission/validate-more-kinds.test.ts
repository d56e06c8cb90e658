import t from 'tap';
import { containers, expectComplaints } from './cases.ts';

const admission = 'admissionregistration.k8s.io/v1';
const flow = 'flowcontrol.apiserver.k8s.io/v1';
const storage = 'storage.k8s.io/v1';
const limit = (more: object) => ({ spec: { limits: [{ type: 'Container', ...more }] } });

t.test('a mistake in what bounds others is refused in Kubernetes words', async (t) => {
  expectComplaints(t, [
    [
      'v1',
      'LimitRange',
      limit({ min: { cpu: '2' }, max: { cpu: '1' } }),
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    ],
    [
      'v1',
      'LimitRange',
      limit({ type: 'Pod', default: { cpu: '1' } }),
      'spec.limits[0].default: Forbidden: may not be specified when `type` is `Pod`',
    ],
    [
      'v1',
      'LimitRange',
      limit({ maxLimitRequestRatio: { cpu: '500m' } }),
      'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1',
    ],
    [
      'v1',
      'LimitRange',
      { spec: { limits: [{ type: 'Pod' }, { type: 'Pod' }] } },
      'spec.limits[1].type: Duplicate value: "Pod"',
    ],
    [flow, 'FlowSchema', { spec: {} }, /spec\.priorityLevelConfiguration\.name: Required value/],
    [
      flow,
      'PriorityLevelConfiguration',
      { spec: { type: 'Limited' } },
      'spec.limited: Required value: must not be empty when type is Limited',
    ],
    [
      admission,
      'ValidatingAdmissionPolicy',
      { spec: { matchConstraints: { resourceRules: [{}] } } },
      /spec\.validations: Required value: validations or auditAnnotations must contain/,
    ],
    [
      admission,
      'ValidatingAdmissionPolicyBinding',
      { spec: { policyName: 'p', validationActions: ['Deny', 'Warn'] } },
      /must not contain both Deny and Warn/,
    ],
    [
      admission,
      'MutatingAdmissionPolicy',
      { spec: { matchConstraints: { resourceRules: [{}] }, reinvocationPolicy: 'Never' } },
      'spec.mutations: Required value: mutations must contain at least one item',
    ],
  ]);
});

t.test('a mistake in small kinds is refused in Kubernetes words', async (t) => {
  expectComplaints(t, [
    ['apps/v1', 'ControllerRevision', { revision: 1 }, 'data: Required value: data is mandatory'],
    [
      'v1',
      'PodTemplate',
      { template: { spec: { containers: [{ name: 'c' }] } } },
      'template.spec.containers[0].image: Required value',
    ],
    ['networking.k8s.io/v1', 'IngressClass', { spec: {} }, 'spec.controller: Required value'],
    [
      storage,
      'VolumeAttachment',
      { spec: { attacher: 'a.b', nodeName: 'n', source: {} } },
      'spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName',
    ],
    [
      storage,
      'CSIDriver',
      { spec: { volumeLifecycleModes: ['Sometimes'] } },
      'spec.volumeLifecycleModes[0]: Unsupported value: "Sometimes": supported values: "Ephemeral", "Persistent"',
    ],
    [
      storage,
      'CSINode',
      { spec: { drivers: [{ name: 'a.b', nodeID: '' }] } },
      'spec.drivers[0].nodeID: Required value',
    ],
    [storage, 'CSIStorageCapacity', {}, 'storageClassName: Required value'],
    [
      storage,
      'VolumeAttributesClass',
      { driverName: 'a.b' },
      'parameters: Required value: must contain at least one key/value pair',
    ],
  ]);
  t.ok(containers.length);
});
