/** Services and their addresses, as far as they are the API server's part. */
import { isIPv4 } from 'node:net';
import t from 'tap';
import { startApi } from './client.ts';

const api = await startApi();
t.teardown(() => api.server.close());
const space = '/api/v1/namespaces/default';
const services = `${space}/services`;
const networking = '/apis/networking.k8s.io/v1';
const ports = [{ port: 80, targetPort: 80, protocol: 'TCP' }];

const make = async (name: string, spec: object) => {
  const { status, json } = await api.post(services, { metadata: { name }, spec });
  if (status !== 201) throw new Error(json.message);
  return json;
};
/** The service after its spec has become this. */
const change = async (name: string, spec: object) => {
  const service = (await api.get(`${services}/${name}`)).json;
  return (await api.put(`${services}/${name}`, { ...service, spec })).json;
};
const externalName = { type: 'ExternalName', externalName: 'clusterip.example.com' };

t.test('API Server should provide secure master service', async (t) => {
  const { spec } = (await api.get(`${services}/kubernetes`)).json;
  t.match(spec, { type: 'ClusterIP', ports: [{ name: 'https', port: 443, protocol: 'TCP' }] });
});

t.test('API Server should have Endpoints and EndpointSlices pointing to API Server', async (t) => {
  const { subsets } = (await api.get(`${space}/endpoints/kubernetes`)).json;
  const port = Number(new URL(api.server.url).port);
  t.match(subsets, [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ port }] }]);
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  const { items } = (
    await api.get(`${slices}?labelSelector=kubernetes.io/service-name%3Dkubernetes`)
  ).json;
  t.match(items, [{ endpoints: [{ addresses: ['127.0.0.1'] }], ports: [{ port }] }]);
});

t.test('Services should be able to change the type from ExternalName to ClusterIP', async (t) => {
  const made = await make('to-cluster-ip', externalName);
  t.notOk(made.spec.clusterIP);
  const { spec } = await change('to-cluster-ip', { type: 'ClusterIP', ports });
  t.ok(isIPv4(spec.clusterIP));
  t.notOk(spec.externalName);
});

t.test('Services should be able to change the type from ExternalName to NodePort', async (t) => {
  await make('to-node-port', externalName);
  const { spec } = await change('to-node-port', { type: 'NodePort', ports });
  t.ok(isIPv4(spec.clusterIP));
  t.ok(spec.ports[0].nodePort >= 30000 && spec.ports[0].nodePort <= 32767);
});

for (const type of ['ClusterIP', 'NodePort']) {
  t.test(`Services should be able to change the type from ${type} to ExternalName`, async (t) => {
    const name = `from-${type.toLowerCase()}`;
    const made = await make(name, { type, ports });
    const { spec } = await change(name, externalName);
    t.match(spec, externalName);
    t.notOk(spec.clusterIP);
    // Its address is free again for who asks for it.
    const again = await make(`${name}-again`, { ports, clusterIP: made.spec.clusterIP });
    t.equal(again.spec.clusterIP, made.spec.clusterIP);
  });
}

for (const [title, type] of [
  [
    'Services should be able to switch session affinity for service with type clusterIP',
    'ClusterIP',
  ],
  ['Services should be able to switch session affinity for NodePort service', 'NodePort'],
] as const) {
  t.test(`${title}: the API's part`, async (t) => {
    const name = `affinity-${type.toLowerCase()}`;
    const made = await make(name, { type, ports });
    t.equal(made.spec.sessionAffinity, 'None');
    const set = (sessionAffinity: string, more: object = {}) =>
      api.patch(`${services}/${name}`, { spec: { sessionAffinity, ...more } });
    const on = (await set('ClientIP')).json.spec;
    t.equal(on.sessionAffinityConfig.clientIP.timeoutSeconds, 10800);
    const off = (await set('None', { sessionAffinityConfig: null })).json.spec;
    t.equal(off.sessionAffinity, 'None');
    t.notOk('sessionAffinityConfig' in off);
  });
}

t.test('Services should find a service from listing all namespaces', async (t) => {
  const { items } = (await api.get('/api/v1/services')).json;
  const names = items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
  t.ok(names.includes('kubernetes'));
});

t.test('ServiceCIDR and IPAddress API should support ServiceCIDR API operations', async (t) => {
  const path = `${networking}/servicecidrs`;
  const cidrs = ['10.196.196.0/24'];
  const made = await api.post(path, { metadata: { name: 'svc-cidr' }, spec: { cidrs } });
  t.equal(made.status, 201, made.text);
  const item = `${path}/svc-cidr`;
  t.ok((await api.get(path)).json.items.length >= 2, 'beside the one of the cluster');
  const patched = await api.patch(item, { metadata: { annotations: { a: 'b' } } });
  t.equal(patched.json.metadata.annotations.a, 'b');
  t.equal((await api.patch(item, { spec: { cidrs: ['10.197.0.0/24'] } })).status, 422);
  const condition = { type: 'Ready', status: 'False', reason: 'E2E', message: 'Set from a test' };
  const status = { conditions: [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }] };
  t.match((await api.patch(`${item}/status`, { status })).json.status, status);
  const { json } = await api.get(item);
  json.metadata.annotations.c = 'd';
  t.equal((await api.put(item, json)).status, 200);
  t.equal((await api.delete(item)).status, 200);
});

t.test('ServiceCIDR and IPAddress API should support IPAddress API operations', async (t) => {
  const path = `${networking}/ipaddresses`;
  const parentRef = { group: '', resource: 'services', namespace: 'default', name: 'none' };
  const address = (name: string) => ({ metadata: { name }, spec: { parentRef } });
  t.equal((await api.post(path, address('not-an-address'))).status, 422);
  const made = await api.post(path, address('192.168.2.2'));
  t.equal(made.status, 201, made.text);
  const item = `${path}/192.168.2.2`;
  t.strictSame((await api.get(item)).json, made.json);
  const patched = await api.patch(item, { metadata: { labels: { a: 'b' } } });
  t.equal(patched.json.metadata.labels.a, 'b');
  t.equal((await api.put(item, made.json)).status, 409);
  const other = { spec: { parentRef: { ...parentRef, name: 'other' } } };
  t.equal((await api.patch(item, other)).status, 422, 'whose it is does not change');
  const taken = (await api.get(`${services}/kubernetes`)).json.spec.clusterIP;
  t.match((await api.get(`${path}/${taken}`)).json.spec.parentRef, { name: 'kubernetes' });
  t.equal((await api.delete(`${path}?labelSelector=a%3Db`)).status, 200);
  t.equal((await api.get(item)).status, 404);
});
