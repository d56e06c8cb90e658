/** What reaches a pod through the API server, on a real node: proxies, and exec and logs over WebSocket. */
import { readFileSync } from 'node:fs';
import { type ClientOptions, WebSocket } from 'ws';
import { image, shell, startRealRig } from './real-rig.ts';

const { rig, test } = await startRealRig();

/** Tells over HTTP on 8080 its own name and what else is in `/www`. */
const netserver = {
  ...shell(
    'mkdir -p /www/some; hostname >/www/hostname; echo inner >/www/some/path; exec httpd -f -p 8080 -h /www',
  ),
  ports: [{ name: 'dest1', containerPort: 8080 }],
  readinessProbe: { httpGet: { path: '/hostname', port: 8080 }, periodSeconds: 1 },
};
/** A pod that serves, and a Service before it. */
const served = async () => {
  const labels = { proxied: rig.name() };
  const pod = await rig.ready(await rig.make(netserver, {}, { labels }));
  const { metadata } = await rig.request('POST', rig.path('services'), {
    metadata: { name: rig.name('proxy-service') },
    spec: {
      selector: labels,
      ports: [
        { name: 'portname1', port: 80, targetPort: 'dest1' },
        { name: 'portname2', port: 81, targetPort: 8080 },
      ],
    },
  });
  return { pod: pod.metadata.name ?? '', service: metadata.name as string };
};
/** Asks until the proxy's answer is this: a Service's endpoints follow its pods a little later. */
const answered = (path: string, text: string) =>
  rig.wait(`${path} to answer ${text}`, () =>
    rig.request('GET', path).then(
      (answer) => (answer === text ? true : undefined),
      () => undefined,
    ),
  );

test('Proxy version v1 should proxy through a service and a pod', async (t) => {
  const { pod, service } = await served();
  const targets = [
    ...['portname1', 'portname2', '80', '81'].map((port) => ['services', `${service}:${port}`]),
    ...['portname1', '80'].map((port) => ['services', `http:${service}:${port}`]),
    ['pods', `${pod}:8080`],
    ['pods', `http:${pod}:8080`],
  ] as const;
  for (const [plural = '', name] of targets)
    t.ok(await answered(`${rig.path(plural, name)}/proxy/hostname`, `${pod}\n`), name);
});

for (const [title, rest, text] of [
  ['Proxy', 'hostname', undefined],
  ['ProxyWithPath', 'some/path', 'inner\n'],
] as const)
  test(`Proxy version v1 A set of valid responses are returned for both pod and service ${title}`, async (t) => {
    const { pod, service } = await served();
    for (const [plural, name] of [
      ['pods', `${pod}:8080`],
      ['services', `${service}:80`],
    ] as const) {
      const path = `${rig.path(plural, name)}/proxy`;
      t.ok(await answered(`${path}/${rest}`, text ?? `${pod}\n`), path);
      for (const method of ['POST', 'PUT', 'DELETE']) {
        const code = await rig.request(method, `${path}/absent`).catch((error) => error.code);
        t.ok(code >= 400, `${method} is the pod's to refuse: ${code}`);
      }
    }
  });

/** What a WebSocket to the API server sends until it closes, by channel. */
const spoken = async (path: string, protocol: string): Promise<Buffer[]> => {
  const kubeconfig = readFileSync(rig.cluster.kubeconfig, 'utf8');
  const data = (key: string) =>
    Buffer.from(new RegExp(`"?${key}"?: "?([\\w+/=]+)`).exec(kubeconfig)?.[1] ?? '', 'base64');
  const credentials: ClientOptions = {
    ca: data('certificate-authority-data'),
    cert: data('client-certificate-data'),
    key: data('client-key-data'),
  };
  const url = `wss://127.0.0.1:${rig.cluster.port}${path}`;
  const socket = new WebSocket(url, protocol, credentials);
  const messages: Buffer[] = [];
  socket.on('message', (message: Buffer) => messages.push(message));
  await new Promise((resolve, reject) => {
    socket.on('close', resolve);
    socket.on('error', reject);
  });
  return messages;
};

test('Pods should support remote command execution over websockets', async (t) => {
  const name = await rig.make(shell('sleep 1000'));
  await rig.ready(name);
  const command = ['cat', '/etc/resolv.conf'].map((word) => `command=${word}`).join('&');
  const query = `stderr=1&stdout=1&${command}`;
  const path = `${rig.path('pods', name)}/exec?${query}`;
  const messages = await spoken(path, 'channel.k8s.io');
  const output = messages.filter(([channel]) => channel === 1).map((one) => one.subarray(1));
  t.match(Buffer.concat(output).toString(), /nameserver/);
  t.ok(messages.every(([channel = 9]) => channel <= 3));
});

test('Pods should support retrieving logs from the container over websockets', async (t) => {
  const name = await rig.make(shell('echo container is alive; sleep 1000'));
  await rig.written(name, /alive/);
  const messages = await spoken(`${rig.path('pods', name)}/log?container=main`, 'binary.k8s.io');
  t.equal(Buffer.concat(messages).toString(), 'container is alive\n');
});

for (const [title, apiVersion, kind, plural] of [
  ['ReplicaSet', 'apps/v1', 'ReplicaSet', '/apis/apps/v1/namespaces/default/replicasets'],
  ['ReplicationController', 'v1', 'ReplicationController', rig.path('replicationcontrollers')],
] as const)
  test(`${title} should serve a basic image on each replica with a public image`, async (t) => {
    const name = rig.name('basic');
    const labels = { name };
    const container = { name: 'main', image, ...netserver };
    await rig.request('POST', plural, {
      apiVersion,
      kind,
      metadata: { name },
      spec: {
        replicas: 2,
        selector: kind === 'ReplicaSet' ? { matchLabels: labels } : labels,
        template: { metadata: { labels }, spec: { containers: [container] } },
      },
    });
    await rig.until(`${plural}/${name}`, '2 ready', ({ status }) => status?.readyReplicas === 2);
    const { items } = await rig.request('GET', `${rig.path('pods')}?labelSelector=name%3D${name}`);
    t.equal(items.length, 2);
    for (const { metadata } of items) {
      const path = `${rig.path('pods', `${metadata.name}:8080`)}/proxy/hostname`;
      t.ok(await answered(path, `${metadata.name}\n`), metadata.name);
    }
    await rig.request('DELETE', `${plural}/${name}`, { propagationPolicy: 'Background' });
  });

test('Kubectl logs logs should be able to retrieve and filter logs', async (t) => {
  const script = 'for i in $(seq 1 100); do echo "line $i"; done; sleep 2; echo last; sleep 1000';
  const name = await rig.make(shell(script));
  const whole = await rig.written(name, /last/);
  const logs = async (...words: string[]) =>
    (await rig.cluster.kubectl('logs', name, 'main', ...words)).stdout;
  t.equal(await logs(), whole);
  t.equal(await logs('--tail=1'), 'last\n');
  t.equal(await logs('--limit-bytes=1'), 'l');
  const [time = '', ...rest] = (await logs('--tail=1', '--timestamps')).split(' ');
  t.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  t.equal(rest.join(' '), 'last\n');
  t.equal(await logs('--since=24h'), whole);
  t.equal(await logs(`--since-time=${time}`), 'last\n');
});
