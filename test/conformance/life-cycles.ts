/** Objects of kinds whose behaviour in the profile is their API alone: by the behaviour's name. */
export interface LifeCycle {
  /** The behaviour, without `[Conformance]`. */
  readonly name: string;
  /** The collection; `NS` stands for `/namespaces/default`. */
  readonly path: string;
  readonly object: object;
  /** A status that its subresource takes, if it has one. */
  readonly status?: object;
  /** Other behaviours that a part of this one is. */
  readonly also?: Partial<Record<'replace' | 'status' | 'collection', string>>;
}

const podSpec = { containers: [{ name: 'c', image: 'busybox' }] };
const template = { metadata: { labels: { app: 'a' } }, spec: podSpec };
const selector = { matchLabels: { app: 'a' } };
const webhook = {
  name: 'hook.example.com',
  clientConfig: { url: 'https://127.0.0.1/hook' },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};
const rules = [
  { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] },
];
const admission = '/apis/admissionregistration.k8s.io/v1';
const condition = (type: string) => ({
  conditions: [
    {
      type,
      status: 'True',
      reason: 'E2E',
      message: 'Set from a test',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    },
  ],
});

export const lifeCycles: readonly LifeCycle[] = [
  {
    name: 'API priority and fairness should support FlowSchema API operations',
    path: '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas',
    object: {
      kind: 'FlowSchema',
      spec: { matchingPrecedence: 10000, priorityLevelConfiguration: { name: 'global-default' } },
    },
    status: condition('Dangling'),
  },
  {
    name: 'API priority and fairness should support PriorityLevelConfiguration API operations',
    path: '/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations',
    object: {
      kind: 'PriorityLevelConfiguration',
      spec: {
        type: 'Limited',
        limited: { nominalConcurrencyShares: 2, limitResponse: { type: 'Reject' } },
      },
    },
    status: condition('Ready'),
  },
  {
    name: 'AdmissionWebhook listing mutating webhooks should work',
    path: `${admission}/mutatingwebhookconfigurations`,
    object: { kind: 'MutatingWebhookConfiguration', webhooks: [{ ...webhook, rules }] },
  },
  {
    name: 'AdmissionWebhook listing validating webhooks should work',
    path: `${admission}/validatingwebhookconfigurations`,
    object: { kind: 'ValidatingWebhookConfiguration', webhooks: [{ ...webhook, rules }] },
  },
  {
    name: 'ValidatingAdmissionPolicy should support ValidatingAdmissionPolicy API operations',
    path: `${admission}/validatingadmissionpolicies`,
    object: {
      kind: 'ValidatingAdmissionPolicy',
      spec: {
        matchConstraints: { resourceRules: rules },
        validations: [{ expression: 'object.spec.replicas <= 100' }],
      },
    },
    status: condition('Foo'),
  },
  {
    name: 'ValidatingAdmissionPolicy should support ValidatingAdmissionPolicyBinding API operations',
    path: `${admission}/validatingadmissionpolicybindings`,
    object: {
      kind: 'ValidatingAdmissionPolicyBinding',
      spec: { policyName: 'replicalimit-policy', validationActions: ['Deny'] },
    },
  },
  {
    name: 'MutatingAdmissionPolicy should support MutatingAdmissionPolicy API operations',
    path: `${admission}/mutatingadmissionpolicies`,
    object: {
      kind: 'MutatingAdmissionPolicy',
      spec: {
        matchConstraints: { resourceRules: rules },
        reinvocationPolicy: 'Never',
        mutations: [
          { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } },
        ],
      },
    },
  },
  {
    name: 'MutatingAdmissionPolicy should support MutatingAdmissionPolicyBinding API operations',
    path: `${admission}/mutatingadmissionpolicybindings`,
    object: { kind: 'MutatingAdmissionPolicyBinding', spec: { policyName: 'p' } },
  },
  {
    name: 'ControllerRevision should manage the lifecycle of a ControllerRevision',
    path: '/apis/apps/v1NS/controllerrevisions',
    object: { kind: 'ControllerRevision', revision: 1, data: { spec: { any: ['thing'] } } },
  },
  {
    name: 'CronJob should support CronJob API operations',
    path: '/apis/batch/v1NS/cronjobs',
    object: {
      kind: 'CronJob',
      spec: {
        schedule: '* */1 * * ?',
        concurrencyPolicy: 'Allow',
        jobTemplate: { spec: { template: { spec: { ...podSpec, restartPolicy: 'OnFailure' } } } },
      },
    },
    status: { lastScheduleTime: '2026-01-01T00:00:00Z' },
  },
  {
    name: 'Job should apply changes to a job status',
    path: '/apis/batch/v1NS/jobs',
    object: {
      kind: 'Job',
      spec: { suspend: true, template: { spec: { ...podSpec, restartPolicy: 'OnFailure' } } },
    },
    status: { active: 2 },
  },
  {
    name: 'Deployment should validate Deployment Status endpoints',
    path: '/apis/apps/v1NS/deployments',
    object: { kind: 'Deployment', spec: { selector, template } },
    status: { ...condition('StatusUpdate'), replicas: 1 },
  },
  {
    name: 'ReplicaSet should list and delete a collection of ReplicaSets',
    also: {
      replace: 'ReplicaSet Replace and Patch tests',
      status: 'ReplicaSet should validate Replicaset Status endpoints',
    },
    path: '/apis/apps/v1NS/replicasets',
    object: { kind: 'ReplicaSet', spec: { selector, template } },
    status: { replicas: 1, ...condition('StatusUpdate') },
  },
  {
    name: 'Daemon set should list and delete a collection of DaemonSets',
    also: {
      status: 'Daemon set should verify changes to a daemon set status',
    },
    path: '/apis/apps/v1NS/daemonsets',
    object: { kind: 'DaemonSet', spec: { selector, template } },
    status: condition('StatusUpdate'),
  },
  {
    name: 'StatefulSet Basic StatefulSet functionality should list, patch and delete a collection of StatefulSets',
    also: {
      status:
        'StatefulSet Basic StatefulSet functionality should validate Statefulset Status endpoints',
    },
    path: '/apis/apps/v1NS/statefulsets',
    object: { kind: 'StatefulSet', spec: { selector, template, serviceName: 'test' } },
    status: { replicas: 1, ...condition('StatusUpdate') },
  },
  {
    name: 'DisruptionController should update/patch PodDisruptionBudget status',
    also: {
      replace: 'DisruptionController should create a PodDisruptionBudget',
      status: 'DisruptionController should observe PodDisruptionBudget status updated',
      collection:
        'DisruptionController Listing PodDisruptionBudgets for all namespaces should list and delete a collection of PodDisruptionBudgets',
    },
    path: '/apis/policy/v1NS/poddisruptionbudgets',
    object: { kind: 'PodDisruptionBudget', spec: { minAvailable: 1, selector } },
    status: {
      observedGeneration: 1,
      disruptionsAllowed: 1,
      currentHealthy: 1,
      desiredHealthy: 1,
      expectedPods: 1,
    },
  },
  {
    name: 'Certificates API should support CSR API operations',
    path: '/apis/certificates.k8s.io/v1/certificatesigningrequests',
    object: {
      kind: 'CertificateSigningRequest',
      spec: { signerName: 'example.com/e2e', usages: ['client auth'], request: 'REQUEST' },
    },
  },
  {
    name: 'Events API should ensure that an event can be fetched, patched, deleted, and listed',
    also: {
      collection: 'Events API should delete a collection of events',
    },
    path: '/apis/events.k8s.io/v1NS/events',
    object: {
      kind: 'Event',
      action: 'Do',
      reason: 'Test',
      type: 'Normal',
      note: 'This is a test',
      eventTime: '2026-01-01T00:00:00.000001Z',
      regarding: { namespace: 'default' },
      reportingController: 'test-controller',
      reportingInstance: 'test-node',
    },
  },
  {
    name: 'Events should manage the lifecycle of an event',
    also: {
      collection: 'Events should delete a collection of events',
    },
    path: '/api/v1NS/events',
    object: {
      kind: 'Event',
      message: 'This is a test event',
      reason: 'Test',
      type: 'Normal',
      count: 1,
      involvedObject: { namespace: 'default' },
    },
  },
  {
    name: 'EndpointSlice should support creating EndpointSlice API operations',
    path: '/apis/discovery.k8s.io/v1NS/endpointslices',
    object: {
      kind: 'EndpointSlice',
      addressType: 'IPv4',
      endpoints: [{ addresses: ['1.2.3.4', '5.6.7.8'] }],
    },
  },
  {
    name: 'Endpoints should test the lifecycle of an Endpoint',
    path: '/api/v1NS/endpoints',
    object: {
      kind: 'Endpoints',
      subsets: [
        { addresses: [{ ip: '10.0.0.24' }], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
      ],
    },
  },
];
