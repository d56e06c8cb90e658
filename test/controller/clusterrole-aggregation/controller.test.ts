import t from 'tap';
import { clusterRoles } from '#api/resources/resource-types.ts';
import type { ClusterRole } from '#api/resources/types.ts';
import { clusterRoleAggregationController } from '#controller/clusterrole-aggregation/controller.ts';
import { running } from '../../support/controllers.ts';

const rule = (resource: string) => ({ apiGroups: [''], resources: [resource], verbs: ['get'] });
const role = (
  name: string,
  labels: Record<string, string>,
  ...resources: string[]
): ClusterRole => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name, labels },
  rules: resources.map(rule),
});
const collector = (name: string, labels: Record<string, string>, ...wanted: string[]) => ({
  ...role(name, labels),
  aggregationRule: { clusterRoleSelectors: wanted.map((to) => ({ matchLabels: { to } })) },
});

t.test('a role collects the rules of those its selectors mean, through others too', async (t) => {
  const run = running(clusterRoleAggregationController);
  t.teardown(() => run.stop());
  const roles = run.api.collection<ClusterRole>(clusterRoles);
  const resources = async (name: string) =>
    ((await roles.get({ name })).rules ?? []).flatMap((one) => one.resources ?? []);
  await roles.create(collector('all', {}, 'all', 'some'));
  await roles.create(collector('few', { to: 'all' }, 'few'));
  await roles.create(role('a', { to: 'few' }, 'pods', 'nodes'));
  await roles.create(role('b', { to: 'some' }, 'pods', 'secrets'));
  await roles.create(role('c', { to: 'nobody' }, 'leases'));
  run.start();
  await run.settle();
  t.strictSame(await resources('few'), ['pods', 'nodes']);
  t.strictSame(await resources('all'), ['pods', 'secrets', 'nodes']);

  await roles.create(role('d', { to: 'few' }, 'events'));
  await roles.delete({ name: 'b' });
  await run.settle();
  t.strictSame(await resources('all'), ['pods', 'nodes', 'events']);
  t.strictSame(run.failures, []);
});

t.test('rules that somebody writes into such a role are put right', async (t) => {
  const run = running(clusterRoleAggregationController);
  t.teardown(() => run.stop());
  const roles = run.api.collection<ClusterRole>(clusterRoles);
  await roles.create(collector('view', {}, 'view'));
  await roles.create(role('a', { to: 'view' }, 'pods'));
  run.start();
  await run.settle();
  const held = await roles.get({ name: 'view' });
  await roles.update({ ...held, rules: [rule('secrets')] });
  await run.settle();
  t.strictSame((await roles.get({ name: 'view' })).rules, [rule('pods')]);
});
