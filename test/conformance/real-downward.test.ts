/** What a pod is told of itself, in volumes and in its environment, on a real node. */
import { shell, startRealRig } from './real-rig.ts';

const { rig, test } = await startRealRig();
const resources = {
  requests: { cpu: '250m', memory: '32Mi' },
  limits: { cpu: '1250m', memory: '64Mi' },
};
const mount = { volumeMounts: [{ name: 'info', mountPath: '/info' }] };
const node = (await rig.request('GET', '/api/v1/nodes')).items[0];
const allocatable = {
  cpu: String(Math.ceil(Number(node.status.allocatable.cpu))),
  memory: String(bytes(node.status.allocatable.memory)),
};

function bytes(quantity: string): number {
  const [, digits, unit = ''] = /^(\d+)(Ki|Mi|Gi)?$/.exec(quantity) ?? [];
  return Number(digits) * ({ '': 1, Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3 }[unit] ?? Number.NaN);
}

const field = (fieldPath: string) => ({ fieldRef: { fieldPath } });
const resource = (name: string, divisor?: string) => ({
  resourceFieldRef: { containerName: 'main', resource: name, ...(divisor && { divisor }) },
});

for (const title of ['Downward API volume', 'Projected downwardAPI']) {
  const volume = (items: object[], defaultMode?: number) => {
    const mode = defaultMode === undefined ? {} : { defaultMode };
    const info = title.startsWith('Projected')
      ? { projected: { sources: [{ downwardAPI: { items } }], ...mode } }
      : { downwardAPI: { items, ...mode } };
    return { volumes: [{ name: 'info', ...info }] };
  };
  const told = async (item: object, more: object = {}, defaultMode?: number) => {
    const script = shell("stat -L -c '%A' /info/file; cat /info/file", { ...mount, ...more });
    const { pod, logs } = await rig.ended(script, volume([{ path: 'file', ...item }], defaultMode));
    const [mode, ...lines] = logs.split('\n');
    return { name: pod.metadata.name, mode, text: lines.join('\n') };
  };

  test(`${title} should provide podname only`, async (t) => {
    const { name, text, mode } = await told(field('metadata.name'));
    t.strictSame({ text, mode }, { text: name, mode: '-rw-r--r--' });
  });
  test(`${title} should set DefaultMode on files`, async (t) => {
    t.equal((await told(field('metadata.name'), {}, 0o400)).mode, '-r--------');
  });
  test(`${title} should set mode on item file`, async (t) => {
    t.equal((await told({ ...field('metadata.name'), mode: 0o400 })).mode, '-r--------');
  });
  for (const [what, name, text] of [
    ["container's cpu limit", 'limits.cpu', '2'],
    ["container's memory limit", 'limits.memory', '67108864'],
    ["container's cpu request", 'requests.cpu', '1'],
    ["container's memory request", 'requests.memory', '33554432'],
  ] as const)
    test(`${title} should provide ${what}`, async (t) => {
      t.equal((await told(resource(name), { resources })).text, text);
    });
  for (const unit of ['cpu', 'memory'] as const)
    test(`${title} should provide node allocatable (${unit}) as default ${unit} limit if the limit is not set`, async (t) => {
      t.equal((await told(resource(`limits.${unit}`))).text, allocatable[unit]);
    });
  for (const part of ['labels', 'annotations'] as const)
    test(`${title} should update ${part} on modification`, async (t) => {
      const script = shell('while :; do cat /info/file; echo; sleep 0.1; done', mount);
      const spec = volume([{ path: 'file', ...field(`metadata.${part}`) }]);
      const pod = await rig.make(script, spec, { [part]: { key1: 'value1', key2: 'value2' } });
      await rig.written(pod, /^key1="value1"\nkey2="value2"$/m);
      await rig.change(rig.path('pods', pod), ({ metadata }) => {
        metadata[part].key3 = 'value3';
      });
      const text = await rig.written(pod, /^key3="value3"$/m);
      t.match(text, /^key1="value1"\nkey2="value2"\nkey3="value3"$/m);
    });
}

/** `NAME=VALUE` lines of what the container's environment has under these names. */
async function environment(from: Record<string, object>, more: object = {}, spec: object = {}) {
  const env = Object.entries(from).map(([name, valueFrom]) => ({ name, valueFrom }));
  const { logs } = await rig.ended({ ...shell('env'), env, ...more }, spec);
  return Object.fromEntries(
    logs
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])
      .filter(([name]) => name !== undefined && name in from),
  );
}

test('Downward API should provide pod name, namespace and IP address as env vars', async (t) => {
  const found = await environment({
    POD_NAME: field('metadata.name'),
    POD_NAMESPACE: field('metadata.namespace'),
    POD_IP: field('status.podIP'),
  });
  const { status } = await rig.request('GET', rig.path('pods', found['POD_NAME']));
  t.match(found, { POD_NAMESPACE: 'default', POD_IP: /^\d+\.\d+\.\d+\.\d+$/ });
  t.equal(found['POD_IP'], status.podIP);
});

for (const [title, name, path] of [
  ['host IP as an env var', 'HOST_IP', 'hostIP'],
  ['hostIPs as an env var', 'HOST_IPS', 'hostIPs'],
] as const)
  test(`Downward API should provide ${title}`, async (t) => {
    const found = await environment({ [name]: field(`status.${path}`) });
    const { address } = node.status.addresses.find(
      (one: { type: string }) => one.type === 'InternalIP',
    );
    t.equal(found[name], address);
  });

test("Downward API should provide container's limits.cpu/memory and requests.cpu/memory as env vars", async (t) => {
  const from = (name: string) => ({ resourceFieldRef: { resource: name } });
  const found = await environment(
    {
      CPU_LIMIT: from('limits.cpu'),
      MEMORY_LIMIT: from('limits.memory'),
      CPU_REQUEST: from('requests.cpu'),
      MEMORY_REQUEST: from('requests.memory'),
    },
    { resources },
  );
  t.strictSame(found, {
    CPU_LIMIT: '2',
    MEMORY_LIMIT: '67108864',
    CPU_REQUEST: '1',
    MEMORY_REQUEST: '33554432',
  });
});

test('Downward API should provide default limits.cpu/memory from node allocatable', async (t) => {
  const from = (name: string) => ({ resourceFieldRef: { resource: name } });
  const found = await environment({
    CPU_LIMIT: from('limits.cpu'),
    MEMORY_LIMIT: from('limits.memory'),
  });
  t.strictSame(found, { CPU_LIMIT: allocatable.cpu, MEMORY_LIMIT: allocatable.memory });
});

test('Downward API should provide pod UID as env vars', async (t) => {
  const found = await environment({ POD_UID: field('metadata.uid'), POD: field('metadata.name') });
  const { metadata } = await rig.request('GET', rig.path('pods', found['POD']));
  t.equal(found['POD_UID'], metadata.uid);
});

const data = { 'data-1': 'value-1', 'data-2': 'value-2' };
const lines = (logs: string, pattern: RegExp) =>
  logs
    .split('\n')
    .filter((line) => pattern.test(line))
    .sort();

for (const { title, of, content, source, variable, one, prefixes } of [
  {
    title: 'ConfigMap',
    of: 'configmaps' as const,
    content: { data },
    source: 'configMap',
    variable: 'via environment variable',
    one: 'via the environment',
    prefixes: 'as environment variable names with various prefixes',
  },
  {
    title: 'Secrets',
    of: 'secrets' as const,
    content: { stringData: data },
    source: 'secret',
    variable: 'from pods in env vars',
    one: 'via the environment',
    prefixes: 'as environment variable names variable names with various prefixes',
  },
]) {
  test(`${title} should be consumable ${variable}`, async (t) => {
    const name = await rig.keep(of, content);
    const from = { [`${source}KeyRef`]: { name, key: 'data-1' } };
    t.strictSame(await environment({ DATA_1: from }), { DATA_1: 'value-1' });
  });
  test(`${title} should be consumable ${one}`, async (t) => {
    const name = await rig.keep(of, content);
    const ref = { [`${source}Ref`]: { name } };
    const envFrom = [ref, { prefix: 'p-', ...ref }];
    const { logs } = await rig.ended({ command: ['env'], envFrom });
    t.strictSame(lines(logs, /data-/), [
      'data-1=value-1',
      'data-2=value-2',
      'p-data-1=value-1',
      'p-data-2=value-2',
    ]);
  });
  test(`${title} should be consumable ${prefixes}`, async (t) => {
    const name = await rig.keep(of, content);
    const prefixed = ['#1-', 'P_', '-!'];
    const envFrom = prefixed.map((prefix) => ({ prefix, [`${source}Ref`]: { name } }));
    const { logs } = await rig.ended({ command: ['env'], envFrom });
    t.strictSame(
      lines(logs, /data-/),
      prefixed.flatMap((prefix) => [1, 2].map((n) => `${prefix}data-${n}=value-${n}`)).sort(),
    );
  });
  test(`${title} should fail to create ${title === 'ConfigMap' ? 'ConfigMap with empty key' : 'secret due to empty secret key'}`, async (t) => {
    const bad = of === 'secrets' ? { data: { '': 'dmFsdWU=' } } : { data: { '': 'value' } };
    const error = await rig.keep(of, bad).then(String, String);
    t.match(error, /data\[\]: Invalid value: "": a valid config key must consist of/);
  });
}
