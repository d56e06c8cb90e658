/** Services, UDP and whole applications on two real nodes. */
import { asksUdp, netexec, rests, volumes } from './agnhost.ts';
import { image, shell, startRealRig } from './real-rig.ts';

const { rig, test } = await startRealRig('--nodes', '2');

type Labels = Readonly<Record<string, string>>;

const serving = async (labels: Labels = {}, http = 8080) => {
  const pod = await rig.ready(await rig.make(netexec(http), { volumes }, { labels }));
  return { name: pod.metadata.name, ip: pod.status?.podIP ?? '' };
};
const service = (spec: object, name = rig.name('svc')) =>
  rig.request('POST', rig.path('services'), { metadata: { name }, spec });
const client = (spec: object = {}) =>
  rig.make(rests, { volumes, ...spec }).then((name) => rig.ready(name));
const plain = client();
const onNode = client({ hostNetwork: true });

/** Asks from one of the clients until the answer is as it should be. */
const answered = async (
  script: string,
  holds: (text: string) => boolean,
  from: ReturnType<typeof client> = plain,
) => {
  const { metadata } = await from;
  return rig.wait(script, async () => {
    const text = (await rig.exec(metadata.name, script)).trim();
    return holds(text) ? text : undefined;
  });
};
const get = (at: string) => `wget -qO- http://${at}/ || echo none`;

const pods = Promise.all([serving(), serving()]);
for (const [way, from] of [
  ['intra-pod', plain],
  ['node-pod', onNode],
] as const)
  test(`Networking Granular Checks: Pods should function for ${way} communication: udp`, async (t) => {
    for (const { ip, name } of await pods) {
      const script = asksUdp(ip, 8081);
      t.equal(await answered(script, (text) => text === name, from), name);
    }
  });

test('Conformance Tests should have at least two untainted nodes', async (t) => {
  const { items } = await rig.request('GET', '/api/v1/nodes');
  const usable = items.filter(
    ({ spec }: { spec: { unschedulable?: boolean; taints?: { effect: string }[] } }) =>
      spec.unschedulable !== true &&
      !(spec.taints ?? []).some(({ effect }) => effect !== 'PreferNoSchedule'),
  );
  t.equal(usable.length, 2);
});

const slice = (of: string, name: string, addresses: readonly string[], ports: object[]) =>
  rig.request('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    metadata: {
      name,
      labels: {
        'kubernetes.io/service-name': of,
        'endpointslice.kubernetes.io/managed-by': 'e2e',
      },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses }],
    ports,
  });
const port = (name: string, number: number) => ({ name, port: number, protocol: 'TCP' });

test('EndpointSlice should support a Service with multiple endpoint IPs specified in multiple EndpointSlices', async (t) => {
  const [one, two] = await Promise.all([serving(), serving()]);
  const { metadata, spec } = await service({ ports: [port('example', 80)] });
  for (const [i, { ip }] of [one, two].entries())
    await slice(metadata.name, `${metadata.name}-${i}`, [ip], [port('example', 8080)]);
  const seen = new Set<string>();
  const both = (text: string) => seen.add(text).has(one.name) && seen.has(two.name);
  await answered(get(spec.clusterIP), both);
  t.ok(seen.has(one.name) && seen.has(two.name));
});
test('EndpointSlice should support a Service with multiple ports specified in multiple EndpointSlices', async (t) => {
  const [one, two] = await Promise.all([serving({}, 3000), serving({}, 3001)]);
  const ports = [port('first', 80), port('second', 81)];
  const { metadata, spec } = await service({ ports });
  await slice(metadata.name, `${metadata.name}-a`, [one.ip], [port('first', 3000)]);
  await slice(metadata.name, `${metadata.name}-b`, [two.ip], [port('second', 3001)]);
  for (const [number, { name }] of [
    [80, one],
    [81, two],
  ] as const)
    t.equal(await answered(get(`${spec.clusterIP}:${number}`), (text) => text === name), name);
});

test('Services should serve a basic endpoint from pods', async (t) => {
  const labels = { svc: rig.name() };
  const { metadata, spec } = await service({
    selector: labels,
    ports: [{ ...port('http', 80), targetPort: 8080 }],
  });
  const path = rig.path('endpoints', metadata.name);
  await rig.wait(path, () => rig.request('GET', path).catch(() => undefined));
  const has = (...ips: string[]) =>
    rig.until(path, `endpoints ${ips}`, ({ subsets = [] }) => {
      const found = subsets.flatMap(({ addresses = [] }: { addresses?: { ip: string }[] }) =>
        addresses.map(({ ip }) => ip),
      );
      return String(found.sort()) === String([...ips].sort());
    });
  await has();
  const one = await serving(labels);
  await has(one.ip);
  t.equal(await answered(get(spec.clusterIP), (text) => text === one.name), one.name);
  const two = await serving(labels);
  await has(one.ip, two.ip);
  await rig.request('DELETE', rig.path('pods', one.name));
  await has(two.ip);
  t.equal(await answered(get(spec.clusterIP), (text) => text === two.name), two.name);
  await rig.request('DELETE', rig.path('pods', two.name));
  await has();
});

for (const [title, type] of [
  ['service with type clusterIP', 'ClusterIP'],
  ['NodePort service', 'NodePort'],
] as const)
  test(`Services should be able to switch session affinity for ${title}`, async (t) => {
    const labels = { svc: rig.name() };
    await Promise.all([serving(labels), serving(labels), serving(labels)]);
    const ports = [{ ...port('http', 80), targetPort: 8080 }];
    const { metadata, spec } = await service({ type, selector: labels, ports });
    const { status } = await plain;
    const url =
      type === 'NodePort' ? `${status?.hostIP}:${spec.ports[0].nodePort}` : spec.clusterIP;
    const many = `for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do ${get(url)}; echo; done`;
    const answers = (text: string) => new Set(text.split('\n').filter((line) => line !== ''));
    for (const sessionAffinity of ['None', 'ClientIP', 'None']) {
      await rig.change(rig.path('services', metadata.name), (object) => {
        object.spec.sessionAffinity = sessionAffinity;
        if (sessionAffinity === 'None') delete object.spec.sessionAffinityConfig;
      });
      const settled = (text: string) =>
        !text.includes('none') && answers(text).size > 1 === (sessionAffinity === 'None');
      t.ok(await answered(many, settled), sessionAffinity);
    }
  });

const create = async (...documents: object[]) => {
  for (const document of documents) await rig.cluster.apply(JSON.stringify(document));
};
const running = async (selector: string, count: number) =>
  rig.wait(`${count} pods of ${selector}`, async () => {
    const format =
      '{{range .items}}{{if and (not .metadata.deletionTimestamp) .status.containerStatuses}}{{range .status.containerStatuses}}{{if .state.running}}x {{end}}{{end}}{{end}}{{end}}';
    const { stdout } = await rig.cluster.kubectl(
      'get',
      'pods',
      '-l',
      selector,
      '-o',
      `template=${format}`,
    );
    return stdout.trim().split(' ').filter(Boolean).length === count || undefined;
  });
const nautilus = (name: string, replicas: number) => ({
  apiVersion: 'v1',
  kind: 'ReplicationController',
  metadata: { name },
  spec: {
    replicas,
    selector: { name, version: 'nautilus' },
    template: {
      metadata: { labels: { name, version: 'nautilus' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'update-demo', image, ...shell('exec httpd -f -p 8080') }],
      },
    },
  },
});
test('Kubectl client Update Demo should create and stop a replication controller', async (t) => {
  const name = rig.name('update-demo');
  await create(nautilus(name, 2));
  t.ok(await running(`name=${name}`, 2));
  await rig.cluster.kubectl('delete', '--grace-period=0', '--force', 'rc', name);
  const left = ['get', 'rc,pods', '-l', `name=${name}`, '--no-headers'];
  t.ok(await rig.wait('it to be gone', async () => !(await rig.cluster.kubectl(...left)).stdout));
});
test('Kubectl client Update Demo should scale a replication controller', async (t) => {
  const name = rig.name('update-demo');
  await create(nautilus(name, 2));
  for (const count of [2, 1, 2]) {
    await rig.cluster.kubectl('scale', 'rc', name, `--replicas=${count}`, '--timeout=100s');
    t.ok(await running(`name=${name}`, count), String(count));
  }
});

/** A CGI program before files that `set` writes; a replica asks `peer` instead. */
const guestbook = (peer?: string) => {
  const program =
    peer === undefined
      ? 'case "$QUERY_STRING" in set=*) echo "$QUERY_STRING" | cut -c5- >>/tmp/book;; esac; cat /tmp/book'
      : `wget -qO- "http://${peer}/cgi-bin/book?$QUERY_STRING"`;
  const lines = ['#!/bin/sh', 'echo Content-Type: text/plain', 'echo', program];
  const text = Buffer.from(`${lines.join('\n')}\n`).toString('base64');
  return shell(
    `mkdir -p /www/cgi-bin; touch /tmp/book; echo ${text} | base64 -d >/www/cgi-bin/book; chmod +x /www/cgi-bin/book; exec httpd -f -p 80 -h /www`,
  );
};
const tier = (name: string, replicas: number, container: object) => [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels: { app: 'guestbook' } },
    spec: { selector: { app: 'guestbook', tier: name }, ports: [{ port: 80 }] },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: 'guestbook' } },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'guestbook', tier: name } },
      template: {
        metadata: { labels: { app: 'guestbook', tier: name } },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [{ name: 'main', image, ...container }],
        },
      },
    },
  },
];
test('Kubectl client Guestbook application should create and stop a working application', async (t) => {
  await create(
    ...tier('agnhost-primary', 1, guestbook()),
    ...tier('agnhost-replica', 2, guestbook('agnhost-primary')),
    ...tier('frontend', 3, guestbook('agnhost-replica')),
  );
  await running('app=guestbook', 6);
  const book = (query: string) => `wget -qO- "http://frontend/cgi-bin/book?${query}"`;
  t.equal(await answered(book(''), (text) => text === ''), '');
  await answered(book('set=TestEntry'), (text) => text.includes('TestEntry'));
  t.match(await answered(book(''), (text) => text.includes('TestEntry')), /TestEntry/);
  await rig.cluster.kubectl('delete', 'deployments,services', '-l', 'app=guestbook');
  const left = ['get', 'deployments,services,pods', '-l', 'app=guestbook', '--no-headers'];
  t.ok(await rig.wait('it to be gone', async () => !(await rig.cluster.kubectl(...left)).stdout));
});
