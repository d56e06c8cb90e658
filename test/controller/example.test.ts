/** The controller of docs/guides/writing-a-controller.md does what the guide says. */
import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { namespaces } from '#api/resources/resource-types.ts';
import { podQuotaController, resourceQuotas } from '../../docs/examples/controller/controller.ts';
import { label, plan, type ResourceQuota } from '../../docs/examples/controller/plan.ts';
import { running } from '../support/controllers.ts';
import { crashEverywhere } from '../support/crash.ts';
import type { MemoryApi } from '../support/memory-collection.ts';

const namespace = (labels: Record<string, string> = {}): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', uid: 'u1', labels },
});

t.test('the plan', async (t) => {
  const made = plan(namespace({ [label]: '20' }), undefined);
  t.match(made, { type: 'create', quota: { spec: { hard: { pods: '20' } } } });
  const held = (made as { quota: ResourceQuota }).quota;
  t.match(plan(namespace({ [label]: '20' }), held), { type: 'nothing', why: 'it is so' });
  t.match(plan(namespace({ [label]: '30' }), held), { type: 'update' });
  t.match(plan(namespace(), held), { type: 'delete' });
  t.match(plan(namespace(), undefined), { type: 'nothing' });
  t.match(plan(namespace({ [label]: 'many' }), undefined), { type: 'nothing', why: /no number/ });
  const theirs = { ...held, metadata: { ...held.metadata, ownerReferences: [] } };
  t.match(plan(namespace({ [label]: '9' }), theirs), { type: 'nothing', why: /somebody else/ });
});

const hard = (api: MemoryApi) =>
  (api.store.all(resourceQuotas) as ResourceQuota[]).map(({ spec }) => spec?.hard);

t.test('labels become quotas, follow, and go; a quota that is removed comes back', async (t) => {
  const { api, start, settle } = running(podQuotaController);
  start();
  await api.collection<ApiObject>(namespaces).create(namespace({ [label]: '20' }));
  await settle();
  t.strictSame(hard(api), [{ pods: '20' }]);
  const ref = { namespace: 'shop', name: 'example-pods' };
  await api.collection<ResourceQuota>(resourceQuotas).delete(ref);
  await settle();
  t.strictSame(hard(api), [{ pods: '20' }]);
  const change = { metadata: { labels: { [label]: null } } };
  await api.collection<ApiObject>(namespaces).patch({ name: 'shop' }, change, 'merge');
  await settle();
  t.strictSame(hard(api), []);
});

t.test('killed before any of its writes it ends where it would have', async (t) => {
  const spaces = (api: MemoryApi) => api.collection<ApiObject>(namespaces);
  const relabel = (pods: string) => (api: MemoryApi) =>
    spaces(api).patch({ name: 'shop' }, { metadata: { labels: { [label]: pods } } }, 'merge');
  const writes = await crashEverywhere(
    {
      controllers: [podQuotaController],
      steps: [(api) => spaces(api).create(namespace({ [label]: '1' })), relabel('2'), relabel('3')],
      picture: hard,
    },
    (picture, undisturbed, crash) => t.strictSame(picture, undisturbed, crash),
  );
  t.equal(writes, 3);
});
