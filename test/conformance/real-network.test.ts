/** Names, Services and the network between pods, on a real node. */
import { image, shell, startRealRig } from './real-rig.ts';

const { rig, test } = await startRealRig();
const services = rig.path('services');
/** Tells who asks over HTTP on 8080 its own name; ready once it does, and not unready for an answer that comes late. */
const netserver = {
  ...shell('mkdir /www; hostname >/www/hostname; exec httpd -f -p 8080 -h /www'),
  readinessProbe: {
    httpGet: { path: '/hostname', port: 8080 },
    periodSeconds: 1,
    timeoutSeconds: 20,
    failureThreshold: 10,
  },
};
const serving = async (labels: object, spec: object = {}) => {
  const pod = await rig.ready(await rig.make(netserver, spec, { labels }));
  return { name: pod.metadata.name, ip: pod.status?.podIP ?? '', host: pod.status?.hostIP ?? '' };
};
const service = async (spec: object, name = rig.name('svc')) =>
  rig.request('POST', services, { metadata: { name }, spec });
/** A pod to ask from. */
const client = rig
  .make(shell('sleep 1000'))
  .then(async (name) => (await rig.ready(name)).metadata.name);
const ask = async (script: string) => rig.exec(await client, script);
/** An address of the node that every pod reaches. */
const gateway = ask("ip route | awk '/^default/ {print $3}'").then((text) => text.trim());
/** Asks until the answer is as it should be. */
const answered = (script: string, holds: (text: string) => boolean) =>
  rig.wait(script, async () => {
    const text = await ask(script);
    return holds(text) ? text : undefined;
  });
const resolved = (name: string, pattern: RegExp) =>
  answered(`nslookup ${name}`, (text) => pattern.test(text));

test('DNS should provide DNS for the cluster', async (t) => {
  const { spec } = await rig.request('GET', rig.path('services', 'kubernetes'));
  const pattern = new RegExp(`Address.*${spec.clusterIP}`);
  t.match(await resolved('kubernetes.default.svc.cluster.local', pattern), pattern);
});
test('DNS should provide /etc/hosts entries for the cluster', async (t) => {
  const spec = { hostname: 'dns-querier-1', subdomain: 'dns-test-service' };
  const { logs, pod } = await rig.ended(shell('hostname -f; cat /etc/hosts'), spec);
  const full = 'dns-querier-1.dns-test-service.default.svc.cluster.local';
  t.match(logs, new RegExp(`^${full}$`, 'm'));
  t.match(logs, new RegExp(`^${pod.status?.podIP}\t${full}\tdns-querier-1$`, 'm'));
});
const ports = [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }];
test('DNS should provide DNS for services', async (t) => {
  const labels = { dns: rig.name() };
  const { ip } = await serving(labels);
  const headless = await service({ selector: labels, ports, clusterIP: 'None' });
  const plain = await service({ selector: labels, ports });
  const domain = 'default.svc.cluster.local';
  await resolved(
    `${plain.metadata.name}.${domain}`,
    new RegExp(`Address.*${plain.spec.clusterIP}`),
  );
  await resolved(`${headless.metadata.name}.${domain}`, new RegExp(`Address.*${ip}`));
  for (const one of [plain, headless]) {
    const name = `_http._tcp.${one.metadata.name}.${domain}`;
    t.match(await resolved(`-type=srv ${name}`, /service =|SRV/), /80/);
  }
  const reverse = plain.spec.clusterIP.split('.').reverse().join('.');
  t.match(
    await resolved(`-type=ptr ${reverse}.in-addr.arpa`, /name =/),
    new RegExp(`${plain.metadata.name}.${domain}`),
  );
});
test('DNS should resolve DNS of partial qualified names for services', async (t) => {
  const { metadata, spec } = await service({ ports });
  for (const name of [metadata.name, `${metadata.name}.default`, `${metadata.name}.default.svc`]) {
    const hosts = await answered(`ping -c1 -W1 ${name} | head -1`, (text) =>
      text.includes(spec.clusterIP),
    );
    t.match(hosts, spec.clusterIP);
  }
});
for (const [title, hostname] of [
  ['Hostname', 'dns-querier-2'],
  ['Subdomain', 'dns-querier-3'],
] as const)
  test(`DNS should provide DNS for pods for ${title}`, async (t) => {
    const labels = { dns: rig.name() };
    const { metadata } = await service({ selector: labels, ports, clusterIP: 'None' });
    const subdomain = metadata.name;
    const { ip } = await serving(labels, { hostname, subdomain });
    const pattern = new RegExp(`Address.*${ip}`);
    t.match(await resolved(`${hostname}.${subdomain}.default.svc.cluster.local`, pattern), pattern);
    if (title === 'Subdomain') await resolved(`${subdomain}.default.svc.cluster.local`, pattern);
  });
test('DNS should provide DNS for ExternalName services', async (t) => {
  const { metadata, spec } = await service({
    type: 'ExternalName',
    externalName: 'foo.example.com',
  });
  const name = `${metadata.name}.default.svc.cluster.local`;
  t.match(await resolved(`-type=cname ${name}`, /canonical name/), /foo\.example\.com/);
  const path = rig.path('services', metadata.name);
  await rig.change(path, (object) => {
    object.spec.externalName = 'bar.example.com';
  });
  await resolved(`-type=cname ${name}`, /bar\.example\.com/);
  await rig.change(path, (object) => {
    object.spec = { ...spec, type: 'ClusterIP', externalName: undefined, ports };
  });
  const changed = await rig.request('GET', path);
  await resolved(name, new RegExp(`Address.*${changed.spec.clusterIP}`));
});
test('DNS should support configurable pod DNS nameservers', async (t) => {
  const dnsConfig = { nameservers: ['1.1.1.1'], searches: ['resolv.conf.local'] };
  const { logs } = await rig.ended(shell('cat /etc/resolv.conf'), { dnsPolicy: 'None', dnsConfig });
  t.match(logs, /^nameserver 1\.1\.1\.1$/m);
  t.match(logs, /^search resolv\.conf\.local$/m);
});

const pods = Promise.all([1, 2].map(() => serving({ net: 'yes' })));
const granular = 'Networking Granular Checks: Pods should function for';
test(`${granular} intra-pod communication: http`, async (t) => {
  for (const { ip, name } of await pods)
    t.equal(await ask(`wget -qO- http://${ip}:8080/hostname`), `${name}\n`);
});
test(`${granular} node-pod communication: http`, async (t) => {
  for (const { ip, name } of await pods)
    t.equal(await (await fetch(`http://${ip}:8080/hostname`)).text(), `${name}\n`);
});
test('Services should be able to create a functioning NodePort service', async (t) => {
  const labels = { svc: rig.name() };
  const replicas = await Promise.all([1, 2].map(() => serving(labels)));
  const { spec } = await service({ type: 'NodePort', selector: labels, ports });
  const names = replicas.map(({ name }) => name).sort();
  for (const url of [`${spec.clusterIP}`, `${await gateway}:${spec.ports[0].nodePort}`]) {
    const seen = new Set<string>();
    await answered(`wget -qO- http://${url}/hostname`, (text) => {
      seen.add(text.trim());
      return names.every((name) => seen.has(name));
    });
  }
  t.equal(names.length, 2);
});
for (const [title, type] of [
  ['service with type clusterIP', 'ClusterIP'],
  ['NodePort service', 'NodePort'],
] as const)
  test(`Services should have session affinity work for ${title}`, async (t) => {
    const labels = { svc: rig.name() };
    await Promise.all([1, 2, 3].map(() => serving(labels)));
    const { spec } = await service({ type, selector: labels, ports, sessionAffinity: 'ClientIP' });
    const nodePort = `${await gateway}:${spec.ports[0].nodePort}`;
    const url = type === 'NodePort' ? nodePort : spec.clusterIP;
    const script = `for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do wget -qO- http://${url}/hostname || echo none; done`;
    const text = await answered(script, (found) => !found.includes('none'));
    t.equal(new Set(text.trim().split('\n')).size, 1, text);
  });
for (const type of ['ClusterIP', 'NodePort'])
  test(`Services should be able to change the type from ${type} to ExternalName`, async (t) => {
    const { metadata } = await service({ type, ports });
    const path = rig.path('services', metadata.name);
    const target = await service({ ports });
    const externalName = `${target.metadata.name}.default.svc.cluster.local`;
    await rig.change(path, (object) => {
      object.spec = { type: 'ExternalName', externalName };
    });
    const { spec } = await rig.request('GET', path);
    t.match(spec, { type: 'ExternalName', clusterIP: undefined, clusterIPs: undefined });
    const name = `${metadata.name}.default.svc.cluster.local`;
    await resolved(name, new RegExp(`Address.*${target.spec.clusterIP}`));
  });

test('HostPort validates that there is no conflict between pods with same hostPort but different hostIP and protocol', async (t) => {
  const { host } = await serving({});
  // No other test's, and none that the kernel gives out: what it is for on the node goes to the pod.
  const port = 24_323;
  const bound = (hostIP: string, protocol = 'TCP') => [
    { hostPort: port, hostIP, protocol, containerPort: protocol === 'UDP' ? 8081 : 8080 },
  ];
  const each = [
    bound('127.0.0.1'),
    bound(host === '127.0.0.1' ? '127.0.0.2' : host),
    bound('127.0.0.1', 'UDP'),
  ];
  const made = await Promise.all(
    each.map((ports) => rig.make({ ...netserver, image, ports }).then((name) => rig.ready(name))),
  );
  t.strictSame(
    made.map(({ status }) => status?.phase),
    Array(3).fill('Running'),
  );
  const text = await rig.wait('an answer on the host', () =>
    fetch(`http://127.0.0.1:${port}/hostname`)
      .then((answer) => answer.text())
      .catch(() => undefined),
  );
  t.equal(text, `${made[0]?.metadata.name}\n`);
});
