/** Nodes see other nodes' pods while there is a NetworkPolicy, and no longer. */
import t from 'tap';
import { clusterRoleBindings, networkPolicies } from '#api/resources/resource-types.ts';
import type { ClusterRoleBinding, NetworkPolicy } from '#api/resources/types.ts';
import { networkPolicyController } from '#controller/network-policy/controller.ts';
import { running } from '../../support/controllers.ts';

const policy = (name: string): NetworkPolicy => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { namespace: 'default', name },
  spec: { podSelector: {} },
});

t.test('the first policy binds the role, the last one takes the binding away', async (t) => {
  const run = running(networkPolicyController);
  t.teardown(() => run.stop());
  const bindings = run.api.collection<ClusterRoleBinding>(clusterRoleBindings);
  const policies = run.api.collection<NetworkPolicy>(networkPolicies);
  const bound = async () => (await bindings.list()).items.map(({ metadata }) => metadata.name);
  run.start();
  await run.settle();
  t.strictSame(await bound(), []);
  await policies.create(policy('a'));
  await policies.create(policy('b'));
  await run.settle();
  t.strictSame(await bound(), ['bayplan:node-peers']);
  await policies.delete({ namespace: 'default', name: 'a' });
  await run.settle();
  t.strictSame(await bound(), ['bayplan:node-peers']);
  await policies.delete({ namespace: 'default', name: 'b' });
  await run.settle();
  t.strictSame(await bound(), []);
  t.strictSame(run.failures, []);
});
