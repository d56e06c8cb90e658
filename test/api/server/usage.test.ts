/** metrics.k8s.io from what agents count: kubectl top, and the rights it takes. */
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { pods } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { startTestServer } from '../../support/api-server.ts';
import { startFakeAgent } from '../../support/fake-agent.ts';
import { kubectlFor } from '../../support/kubectl.ts';
import { pod } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const missing = spawnSync('kubectl', ['version', '--client']).error !== undefined;
const server = await startTestServer();
const kubectl = kubectlFor(server.kubeconfig);
const base = '/apis/metrics.k8s.io/v1beta1';
const began = Date.now();
const uid = 'the-uid';

/** Half a processor for the node, a quarter for the container, from whenever it is asked. */
const counts = (share: number, workingSetBytes: number) => {
  const now = Date.now();
  return {
    cpu: {
      time: new Date(now).toISOString(),
      usageCoreNanoSeconds: Math.round((now - began) * 1e6 * share),
    },
    memory: { workingSetBytes },
  };
};
const agent = await startFakeAgent(server, (_request, response) => {
  const containers = [{ name: 'main', ...counts(0.25, 64 * 2 ** 20) }];
  const summary = {
    node: { nodeName: 'n1', ...counts(0.5, 2 ** 30) },
    pods: [{ podRef: { name: 'a', namespace: 'default', uid }, containers }],
  };
  response.end(JSON.stringify(summary));
});
t.teardown(async () => {
  kubectl.close();
  await agent.close();
  await server.close();
});
const made = pod('a');
made.metadata.labels = { app: 'web' };
await server.client().collection<Pod>(pods).create(made);

const near = (text: string, nanos: number) => Math.abs(Number(text.slice(0, -1)) / nanos - 1) < 0.1;

t.test('nodes and pods say what they use, in the kinds of metrics-server', async (t) => {
  const { json: nodes } = await raw(server, 'GET', `${base}/nodes`);
  t.match(nodes, { kind: 'NodeMetricsList', apiVersion: 'metrics.k8s.io/v1beta1' });
  const [node] = nodes.items;
  t.ok(near(node.usage.cpu, 500_000_000), node.usage.cpu);
  t.equal(node.usage.memory, '1048576Ki');
  t.match(node, { metadata: { name: 'n1' }, window: /^\d+\.\d+s$/, timestamp: /Z$/ });
  const { json: one } = await raw(server, 'GET', `${base}/namespaces/default/pods/a`);
  t.match(one, { kind: 'PodMetrics', metadata: { name: 'a', labels: { app: 'web' } } });
  t.ok(near(one.containers[0].usage.cpu, 250_000_000), one.containers[0].usage.cpu);
  const list = async (path: string) =>
    (await raw(server, 'GET', `${base}${path}`)).json.items.length;
  t.equal(await list('/pods?labelSelector=app%3Dweb'), 1);
  t.equal(await list('/pods?labelSelector=app%3Dother'), 0);
  t.equal(await list('/namespaces/kube-system/pods'), 0);
  t.equal((await raw(server, 'GET', `${base}/nodes/none`)).status, 404);
  for (const method of ['POST', 'DELETE']) {
    t.equal((await raw(server, method, `${base}/nodes`, { body: {} })).status, 405);
  }
});

t.test('who may not read them is refused, a viewer is not', async (t) => {
  const { status } = await raw(server, 'GET', `${base}/pods`, {
    headers: { 'impersonate-user': 'jane' },
  });
  t.equal(status, 403);
  const path = '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:aggregated-metrics-reader';
  const { labels } = (await raw(server, 'GET', path)).json.metadata;
  t.equal(labels['rbac.authorization.k8s.io/aggregate-to-view'], 'true');
});

t.test('kubectl top shows them', missing ? { skip: 'needs kubectl' } : {}, async (t) => {
  const nodes = await kubectl(['top', 'nodes']);
  t.match(nodes.stdout, /n1 +\d+m .*1024Mi/, nodes.stderr);
  const all = await kubectl(['top', 'pods', '--containers', '-l', 'app=web']);
  t.match(all.stdout, /a +main +2\d\dm +64Mi/, all.stderr);
});
