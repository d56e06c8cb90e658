import t from 'tap';
import type { ConfigMap, Pod, PodContainer, Secret, Service } from '#api/resources/types.ts';
import { type EnvFacts, envReferences, podEnv } from '#node-agent/pod/env.ts';
import { expand } from '#node-agent/pod/expansion.ts';

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'p',
    namespace: 'ns',
    uid: 'u1',
    labels: { app: 'web' },
    annotations: { 'a/b': 'c"d' },
  },
  spec: { nodeName: 'n1', containers: [] },
};
const configMap = (data: Record<string, string>): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'c' },
  data,
});
const secret = (data: Record<string, string>): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 's' },
  data,
});
const facts: EnvFacts = {
  pod,
  podIP: '10.0.0.5',
  hostIP: '192.0.2.1',
  sources: {
    configMaps: new Map([['c', configMap({ colour: 'red', size: '7' })]]),
    secrets: new Map([['s', secret({ word: Buffer.from('hush').toString('base64') })]]),
  },
  services: [],
  allocatable: { cpuMillis: 2000, memoryBytes: 1024 ** 3 },
};
const container = (fields: Partial<PodContainer>): PodContainer => ({ name: 'main', ...fields });
const env = (fields: Partial<PodContainer>, more: Partial<EnvFacts> = {}) =>
  Object.fromEntries(podEnv(container(fields), { ...facts, ...more }));

t.test('$(NAME) is replaced by what is known, $$ is a dollar', async (t) => {
  const lookUp = (name: string) => ({ A: '1', B: '$(A)' })[name];
  const cases: [string, string][] = [
    ['$(A)', '1'],
    ['x$(A)y$(A)', 'x1y1'],
    ['$(NONE)', '$(NONE)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$1'],
    ['$(B)', '$(A)'],
    ['$A $( )', '$A $( )'],
    ['', ''],
  ];
  for (const [text, wanted] of cases) t.equal(expand(text, lookUp), wanted, text);
});

t.test('values come from literals, fields, resources, ConfigMaps and Secrets', async (t) => {
  const field = (fieldPath: string) => ({ valueFrom: { fieldRef: { fieldPath } } });
  const resource = (name: string, divisor?: string) => ({
    valueFrom: {
      resourceFieldRef: { resource: name, ...(divisor === undefined ? {} : { divisor }) },
    },
  });
  const result = env({
    resources: { limits: { cpu: '1500m' }, requests: { memory: '64Mi' } },
    envFrom: [{ prefix: 'CM_', configMapRef: { name: 'c' } }, { secretRef: { name: 's' } }],
    env: [
      { name: 'PLAIN', value: 'x$(CM_colour)' },
      { name: 'NAME', ...field('metadata.name') },
      { name: 'LABEL', ...field("metadata.labels['app']") },
      { name: 'NOTE', ...field("metadata.annotations['a/b']") },
      { name: 'IP', ...field('status.podIP') },
      { name: 'HOST', ...field('status.hostIP') },
      { name: 'CPU', ...resource('limits.cpu') },
      { name: 'MILLIS', ...resource('limits.cpu', '1m') },
      { name: 'MEM', ...resource('requests.memory', '1Mi') },
      { name: 'MEMLIMIT', ...resource('limits.memory') },
      { name: 'KEY', valueFrom: { configMapKeyRef: { name: 'c', key: 'size' } } },
      { name: 'HUSH', valueFrom: { secretKeyRef: { name: 's', key: 'word' } } },
      { name: 'MAYBE', valueFrom: { secretKeyRef: { name: 'x', key: 'y', optional: true } } },
    ],
  });
  t.strictSame(result, {
    CM_colour: 'red',
    CM_size: '7',
    word: 'hush',
    PLAIN: 'xred',
    NAME: 'p',
    LABEL: 'web',
    NOTE: 'c"d',
    IP: '10.0.0.5',
    HOST: '192.0.2.1',
    CPU: '2',
    MILLIS: '1500',
    MEM: '64',
    MEMLIMIT: String(1024 ** 3),
    KEY: '7',
    HUSH: 'hush',
  });
});

t.test('what is missing and not optional is named', async (t) => {
  const cases: [Partial<PodContainer>, RegExp][] = [
    [{ envFrom: [{ configMapRef: { name: 'no' } }] }, /configmap "no" not found/],
    [{ envFrom: [{ secretRef: { name: 'no' } }] }, /secret "no" not found/],
    [
      { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'c', key: 'no' } } }] },
      /couldn't find key no in ConfigMap ns\/c/,
    ],
    [{ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.x' } } }] }, /spec\.x/],
  ];
  for (const [fields, message] of cases)
    t.throws(() => env(fields), { name: 'ConfigError', message });
});

t.test('services of the namespace and default/kubernetes are in the environment', async (t) => {
  const service = (name: string, namespace: string, clusterIP: string): Service => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { clusterIP, ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
  });
  const services = [
    service('kubernetes', 'default', '10.96.0.1'),
    service('my-db', 'ns', '10.96.0.9'),
    service('headless', 'ns', 'None'),
    service('other', 'elsewhere', '10.96.0.10'),
  ];
  const result = env({ env: [{ name: 'DB', value: '$(MY_DB_SERVICE_HOST)' }] }, { services });
  t.match(result, {
    DB: '10.96.0.9',
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    KUBERNETES_SERVICE_PORT: '80',
    MY_DB_SERVICE_PORT_HTTP: '80',
    MY_DB_PORT: 'tcp://10.96.0.9:80',
    MY_DB_PORT_80_TCP_ADDR: '10.96.0.9',
  });
  t.notOk(Object.keys(result).some((name) => /OTHER|HEADLESS/.test(name)));
  const alone = env(
    {},
    { services, pod: { ...pod, spec: { containers: [], enableServiceLinks: false } } },
  );
  t.ok(Object.keys(alone).every((name) => name.startsWith('KUBERNETES_')));
});

t.test('the objects a container needs are known before it starts', async (t) => {
  const { configMaps, secrets } = envReferences(
    container({
      envFrom: [{ configMapRef: { name: 'a' } }],
      env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'b', key: 'k' } } }],
    }),
  );
  t.strictSame([[...configMaps], [...secrets]], [['a'], ['b']]);
});
