/** Kubernetes' built-in plug-ins, through the API. */
import t from 'tap';
import type { KubeObject } from '#api/resources/meta.ts';
import { startTestServer } from '../../support/api-server.ts';
import { raw } from '../../support/raw-request.ts';

const api = await startTestServer();
t.teardown(() => api.close());

const post = (path: string, body: object) => raw(api, 'POST', path, { body });
const put = (path: string, body: object) => raw(api, 'PUT', path, { body });

let made = 0;
async function namespace(labels: Record<string, string> = {}): Promise<string> {
  const name = `n${made++}`;
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
  t.equal((await post('/api/v1/namespaces', body)).status, 201);
  return name;
}

const pod = (name: string, spec: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'main', image: 'x' }], ...spec },
});

const range = (limits: object[]) => ({
  apiVersion: 'v1',
  kind: 'LimitRange',
  metadata: { name: 'limits' },
  spec: { limits },
});

t.test('LimitRange: defaults where nothing is said, bounds for what is', async (t) => {
  const name = await namespace();
  const base = `/api/v1/namespaces/${name}`;
  const limits = [
    {
      type: 'Container',
      defaultRequest: { cpu: '100m', memory: '200Mi' },
      default: { cpu: '500m', memory: '500Mi' },
      min: { cpu: '50m' },
      max: { cpu: '1' },
    },
    { type: 'Pod', max: { memory: '1Gi' } },
  ];
  t.equal((await post(`${base}/limitranges`, range(limits))).status, 201);
  const silent = await post(`${base}/pods`, pod('silent'));
  t.equal(silent.status, 201);
  t.strictSame(silent.json.spec.containers[0].resources, {
    requests: { cpu: '100m', memory: '200Mi' },
    limits: { cpu: '500m', memory: '500Mi' },
  });
  t.equal(
    silent.json.metadata.annotations['kubernetes.io/limit-ranger'],
    'LimitRanger plugin set: cpu, memory request for container main; cpu, memory limit for container main',
  );
  const container = (resources: object) => ({
    containers: [{ name: 'main', image: 'x', resources }],
  });
  const large = await post(`${base}/pods`, pod('large', container({ limits: { cpu: '2' } })));
  t.equal(large.status, 403);
  t.equal(
    large.json.message,
    'pods "large" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
  );
  const small = pod(
    'small',
    container({ requests: { cpu: '10m', memory: '2Gi' }, limits: { memory: '2Gi' } }),
  );
  const refused = await post(`${base}/pods`, small);
  t.match(refused.json.message, /\[minimum cpu usage per Container is 50m, but request is 10m, /);
  t.match(refused.json.message, /maximum memory usage per Pod is 1Gi, but limit is 2Gi\]$/);
});

t.test('LimitRange: claims and ratios', async (t) => {
  const name = await namespace();
  const base = `/api/v1/namespaces/${name}`;
  const limits = [
    { type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } },
    { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
  ];
  await post(`${base}/limitranges`, range(limits));
  const claim = (storage: string) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { generateName: 'c-' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
  });
  const claims = `${base}/persistentvolumeclaims`;
  t.equal((await post(claims, claim('1Gi'))).status, 201);
  t.match(
    (await post(claims, claim('3Gi'))).json.message,
    /maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi/,
  );
  t.match((await post(claims, claim('1Mi'))).json.message, /minimum storage usage/);
  const resources = { requests: { cpu: '100m' }, limits: { cpu: '300m' } };
  const steep = pod('steep', { containers: [{ name: 'main', image: 'x', resources }] });
  t.match(
    (await post(`${base}/pods`, steep)).json.message,
    /cpu max limit to request ratio per Container is 2, but provided ratio is 3\.000000$/,
  );
});

t.test('PodSecurity: enforced by the namespace, warned of for workloads', async (t) => {
  const labels = {
    'pod-security.kubernetes.io/enforce': 'baseline',
    'pod-security.kubernetes.io/warn': 'restricted',
  };
  const base = `/api/v1/namespaces/${await namespace(labels)}`;
  const bad = await post(`${base}/pods`, pod('bad', { hostNetwork: true }));
  t.equal(bad.status, 403);
  t.equal(
    bad.json.message,
    'pods "bad" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
  );
  const warned = await post(`${base}/pods`, pod('warned'));
  t.equal(warned.status, 201);
  t.match(
    warned.headers['warning'],
    /would violate PodSecurity \\"restricted:latest\\": allowPriv/,
  );
  const template = { metadata: { labels: { a: 'b' } }, spec: pod('x', { hostPID: true })['spec'] };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { selector: { matchLabels: { a: 'b' } }, template },
  };
  const url = `${base.replace('/api/v1', '/apis/apps/v1')}/deployments`;
  const workload = await post(url, deployment);
  t.equal(workload.status, 201);
  t.match(
    workload.headers['warning'],
    /would violate PodSecurity .*host namespaces \(hostPID=true\)/,
  );
});

t.test('PodSecurity: ephemeral containers are looked at too', async (t) => {
  const base = `/api/v1/namespaces/${await namespace({ 'pod-security.kubernetes.io/enforce': 'baseline' })}`;
  const { json } = await post(`${base}/pods`, pod('web'));
  const ephemeralContainers = [
    { name: 'debug', image: 'x', securityContext: { privileged: true } },
  ];
  const changed = { ...json, spec: { ...json.spec, ephemeralContainers } };
  const refused = await put(`${base}/pods/web/ephemeralcontainers`, changed);
  t.equal(refused.status, 403);
  t.match(refused.json.message, /container "debug" must not set securityContext.privileged=true/);
});

t.test('PodSecurity: a stricter level tells of what runs, a wrong one is refused', async (t) => {
  const name = await namespace();
  await post(`/api/v1/namespaces/${name}/pods`, pod('old', { hostNetwork: true }));
  const url = `/api/v1/namespaces/${name}`;
  const { json } = await raw(api, 'GET', url);
  const labelled = (labels: object) => ({ ...json, metadata: { ...json.metadata, labels } });
  const strict = await put(url, labelled({ 'pod-security.kubernetes.io/enforce': 'baseline' }));
  t.equal(strict.status, 200);
  t.match(
    strict.headers['warning'],
    /existing pods in namespace .* violate the new PodSecurity enforce level/,
  );
  const wrong = {
    ...json,
    metadata: { name: 'other', labels: { 'pod-security.kubernetes.io/warn': 'strict' } },
  };
  const refused = await post('/api/v1/namespaces', { ...wrong, spec: {} });
  t.equal(refused.status, 422);
  t.match(
    refused.json.message,
    /Invalid value: "strict": must be one of privileged, baseline, restricted/,
  );
});

t.test('RuntimeClass: its overhead and places, and a class that is not there', async (t) => {
  const runtimeClass = {
    apiVersion: 'node.k8s.io/v1',
    kind: 'RuntimeClass',
    metadata: { name: 'slow' },
    handler: 'runc',
    overhead: { podFixed: { cpu: '10m' } },
    scheduling: {
      nodeSelector: { slow: 'yes' },
      tolerations: [{ key: 'slow', operator: 'Exists' }],
    },
  };
  t.equal((await post('/apis/node.k8s.io/v1/runtimeclasses', runtimeClass)).status, 201);
  const base = `/api/v1/namespaces/${await namespace()}/pods`;
  const made = await post(base, pod('a', { runtimeClassName: 'slow' }));
  t.match(made.json.spec, { overhead: { cpu: '10m' }, nodeSelector: { slow: 'yes' } });
  t.ok(made.json.spec.tolerations.some((one: { key: string }) => one.key === 'slow'));
  const none = await post(base, pod('b', { runtimeClassName: 'none' }));
  t.equal(none.status, 403);
  t.match(none.json.message, /pod rejected: RuntimeClass "none" not found/);
  t.equal((await post(base, pod('c', { overhead: { cpu: '1' } }))).status, 403);
  const other = await post(
    base,
    pod('d', { runtimeClassName: 'slow', nodeSelector: { slow: 'no' } }),
  );
  t.match(other.json.message, /conflict/);
});

t.test('default classes of claims and ingresses', async (t) => {
  const key = 'storageclass.kubernetes.io/is-default-class';
  const storageClass = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    // Of two made in the same second, this and the cluster's own, the first by name counts.
    metadata: { name: 'fast', annotations: { [key]: 'true' } },
    provisioner: 'example.com/x',
  };
  t.equal((await post('/apis/storage.k8s.io/v1/storageclasses', storageClass)).status, 201);
  const base = `/api/v1/namespaces/${await namespace()}`;
  const claim = (spec: object) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { generateName: 'c-' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  });
  const url = `${base}/persistentvolumeclaims`;
  const made = await post(url, claim({}));
  t.equal(made.json.spec.storageClassName, 'fast');
  t.same(made.json.metadata.finalizers, ['kubernetes.io/pvc-protection']);
  t.equal((await post(url, claim({ storageClassName: '' }))).json.spec.storageClassName, '');
  const resources = { requests: { storage: '2Gi' } };
  const grown = { ...made.json, spec: { ...made.json.spec, resources } };
  const refused = await put(`${url}/${made.json.metadata.name}`, grown);
  t.ok(refused.status === 403 || refused.status === 422, refused.json.message);
});

t.test('a new node takes nothing until it is known to be ready', async (t) => {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'fresh' } };
  const made = await post('/api/v1/nodes', node);
  t.match(made.json.spec.taints, [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
});
