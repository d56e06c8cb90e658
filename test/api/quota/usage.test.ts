/** What counts, and for which quota: tables. */
import t from 'tap';
import { listOf } from '#api/quota/amounts.ts';
import { podUsage, unsaid } from '#api/quota/pod-usage.ts';
import { inScope } from '#api/quota/scopes.ts';
import { resourceOf, usageOf } from '#api/quota/usage.ts';
import type { KubeObject } from '#api/resources/meta.ts';

const now = new Date('2026-01-01T00:00:00Z');

const object = (kind: string, spec: object, more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: 'a', namespace: 'n' },
  spec,
  ...more,
});

const resources = (requests: object, limits: object = {}) => ({
  name: 'main',
  resources: { requests, limits },
});

t.test('a pod counts what it has at the most', async (t) => {
  const pod = object('Pod', {
    containers: [resources({ cpu: '100m', memory: '1Gi' }, { cpu: 1 }), resources({ cpu: '200m' })],
    initContainers: [
      { ...resources({ cpu: '50m' }), restartPolicy: 'Always' },
      resources({ cpu: '600m', 'example.com/gpu': '2' }),
    ],
    overhead: { cpu: '10m' },
  });
  t.strictSame(listOf(podUsage(pod, now)), {
    'count/pods': '1',
    pods: '1',
    cpu: '660m',
    'requests.cpu': '660m',
    memory: '1Gi',
    'requests.memory': '1Gi',
    'requests.example.com/gpu': '2',
    'limits.cpu': '1010m',
  });
});

t.test('a resize that waits costs what it asks for, and what it has', async (t) => {
  const status = (reason: string) => ({
    status: {
      conditions: [{ type: 'PodResizePending', status: 'True', reason }],
      containerStatuses: [
        {
          name: 'main',
          allocatedResources: { cpu: '300m', memory: '1Gi' },
          resources: { requests: { cpu: '200m' }, limits: { cpu: '2' } },
        },
      ],
    },
  });
  const spec = { containers: [resources({ cpu: '400m', memory: '512Mi' }, { cpu: '1' })] };
  const usage = (reason: string) => listOf(podUsage(object('Pod', spec, status(reason)), now));
  t.match(usage('Deferred'), { cpu: '400m', memory: '1Gi', 'limits.cpu': '2' });
  t.match(usage('Infeasible'), { cpu: '300m', memory: '1Gi', 'limits.cpu': '2' });
});

t.test('a pod that is over holds its name alone', async (t) => {
  const spec = { containers: [resources({ cpu: 1 })] };
  const over = [
    object('Pod', spec, { status: { phase: 'Succeeded' } }),
    object('Pod', spec, { status: { phase: 'Failed' } }),
    object('Pod', spec, {
      metadata: {
        name: 'a',
        deletionTimestamp: '2025-12-31T23:59:00Z',
        deletionGracePeriodSeconds: 30,
      },
    }),
  ];
  for (const pod of over) t.strictSame(listOf(podUsage(pod, now)), { 'count/pods': '1' });
});

t.test('containers must say what is counted', async (t) => {
  const pod = object('Pod', {
    containers: [
      { name: 'b', resources: { requests: { cpu: 1 } } },
      { name: 'a', resources: { limits: { memory: 1 } } },
    ],
  });
  t.equal(
    unsaid(pod, ['pods', 'requests.cpu', 'limits.memory', 'memory']),
    'must specify limits.memory for: b; memory for: a,b; requests.cpu for: a',
  );
  t.equal(unsaid(pod, ['pods', 'count/pods']), '');
});

t.test('services and claims count by their kind', async (t) => {
  const ports = [{ port: 1 }, { port: 2 }];
  const type = (plural: string) => ({
    group: '',
    version: 'v1',
    plural,
    kind: '',
    namespaced: true,
  });
  const service = (spec: object) => listOf(usageOf(type('services'), object('Service', spec), now));
  t.strictSame(service({ type: 'ClusterIP', ports }), { services: '1', 'count/services': '1' });
  t.match(service({ type: 'NodePort', ports }), { 'services.nodeports': '2' });
  t.match(service({ type: 'LoadBalancer', ports }), {
    'services.nodeports': '2',
    'services.loadbalancers': '1',
  });
  t.match(service({ type: 'LoadBalancer', ports, allocateLoadBalancerNodePorts: false }), {
    'services.nodeports': '0',
  });
  const claim = object('PersistentVolumeClaim', {
    storageClassName: 'fast',
    resources: { requests: { storage: '2Gi' } },
  });
  t.strictSame(listOf(usageOf(type('persistentvolumeclaims'), claim, now)), {
    persistentvolumeclaims: '1',
    'requests.storage': '2Gi',
    'fast.storageclass.storage.k8s.io/requests.storage': '2Gi',
    'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
    'count/persistentvolumeclaims': '1',
  });
});

t.test('names lead to what they count', async (t) => {
  const cases: Record<string, string | undefined> = {
    pods: 'pods',
    cpu: 'pods',
    'limits.memory': 'pods',
    'requests.nvidia.com/gpu': 'pods',
    'hugepages-2Mi': 'pods',
    'services.nodeports': 'services',
    'requests.storage': 'persistentvolumeclaims',
    'gold.storageclass.storage.k8s.io/requests.storage': 'persistentvolumeclaims',
    'count/deployments.apps': 'deployments.apps',
    'count/widgets.example.com': 'widgets.example.com',
    secrets: 'secrets',
    nonsense: undefined,
  };
  for (const [name, wanted] of Object.entries(cases)) t.equal(resourceOf(name), wanted, name);
});

t.test('every scope', async (t) => {
  const plain = { containers: [resources({ cpu: 1 })] };
  const best = { containers: [{ name: 'main' }] };
  const term = { topologyKey: 'x', namespaces: ['other'] };
  const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
  const scope = (scopeName: string, operator = 'Exists', values?: string[]) => ({
    scopeSelector: { matchExpressions: [{ scopeName, operator, ...(values && { values }) }] },
  });
  const cases: [object, object, boolean][] = [
    [{}, plain, true],
    [{ scopes: ['Terminating'] }, { ...plain, activeDeadlineSeconds: 5 }, true],
    [{ scopes: ['Terminating'] }, plain, false],
    [{ scopes: ['NotTerminating'] }, plain, true],
    [{ scopes: ['NotTerminating'] }, { ...plain, activeDeadlineSeconds: 0 }, false],
    [{ scopes: ['BestEffort'] }, best, true],
    [{ scopes: ['BestEffort'] }, plain, false],
    [{ scopes: ['NotBestEffort'] }, plain, true],
    [{ scopes: ['NotBestEffort', 'Terminating'] }, plain, false],
    [{ scopes: ['PriorityClass'] }, { ...plain, priorityClassName: 'high' }, true],
    [{ scopes: ['PriorityClass'] }, plain, false],
    [scope('PriorityClass', 'In', ['high']), { ...plain, priorityClassName: 'high' }, true],
    [scope('PriorityClass', 'In', ['high']), { ...plain, priorityClassName: 'low' }, false],
    [scope('PriorityClass', 'NotIn', ['high']), { ...plain, priorityClassName: 'low' }, true],
    [scope('PriorityClass', 'DoesNotExist'), plain, true],
    [scope('CrossNamespacePodAffinity'), { ...plain, affinity }, true],
    [scope('CrossNamespacePodAffinity'), plain, false],
  ];
  for (const [quota, pod, wanted] of cases) {
    const message = `${JSON.stringify(quota)} ${JSON.stringify(pod)}`;
    t.equal(inScope(object('ResourceQuota', quota), object('Pod', pod)), wanted, message);
  }
  const claim = object('PersistentVolumeClaim', { volumeAttributesClassName: 'gold' });
  t.ok(inScope(object('ResourceQuota', scope('VolumeAttributesClass', 'In', ['gold'])), claim));
  t.notOk(inScope(object('ResourceQuota', { scopes: ['BestEffort'] }), object('Service', {})));
});
