/** GitSync with a real API server and real git repositories. */
import { readdirSync, rmSync } from 'node:fs';
import t from 'tap';
import type { ResourceType } from '#api/resources/meta.ts';
import { secrets } from '#api/resources/resource-types.ts';
import { waitFor } from '../../support/cluster.ts';
import { GitRepository } from '../../support/git-repository.ts';
import {
  all,
  client,
  condition,
  dataOf,
  failures,
  folder,
  make,
  map,
  maps,
  mirrors,
  remove,
  restarted,
  says,
  until,
} from './rig.ts';

t.setTimeout(120_000);

t.test('push, drift, prune, force-push, outage', async (t) => {
  const repository = new GitRepository(folder());
  const first = repository.push({ 'a.yaml': map('a', '1'), 'b.yaml': map('b', '1') });
  await make('one', { source: { url: repository.url, ref: 'main' } });
  await until('a', '1');
  await until('b', '1');
  const { status } = await waitFor('it to be ready', async () => {
    const sync = await all.get({ namespace: 'default', name: 'one' });
    return sync.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'
      ? sync
      : undefined;
  });
  t.match(status, { revision: first, objectCount: 2 });
  t.match(status?.objects, [
    { kind: 'ConfigMap', namespace: 'default', name: 'a', uid: String, from: 'a.yaml:1' },
    { name: 'b' },
  ]);

  const second = repository.push({
    'a.yaml': map('a', '2'),
    'c.yaml': map('c', '1'),
    'b.yaml': null,
  });
  await until('a', '2');
  await until('c', '1');
  await until('b', undefined);

  await maps.patch(
    { namespace: 'default', name: 'a' },
    { data: { key: 'mine', more: 'kept' } },
    'merge',
  );
  await until('a', '2');
  t.equal((await maps.get({ namespace: 'default', name: 'a' })).data?.['more'], 'kept');
  await maps.delete({ namespace: 'default', name: 'c' });
  await until('c', '1');

  repository.git('reset', '--quiet', '--hard', first);
  repository.push({ 'a.yaml': map('a', 'rewritten') });
  await until('a', 'rewritten');
  await until('b', '1');
  await until('c', undefined);
  t.match(await says('one', 'Fetched', 'Rewritten'), {
    status: 'True',
    message: RegExp(second.slice(0, 12)),
  });

  rmSync(repository.path, { recursive: true });
  const request = { metadata: { annotations: { 'bayplan.dev/requested-at': 'now' } } };
  await all.patch({ namespace: 'default', name: 'one' }, request, 'merge');
  t.match(await says('one', 'Fetched', 'Unreachable'), { status: 'False', message: /fleet\.git/ });
  t.match(await condition('one', 'Ready'), { status: 'False', reason: 'Unreachable' });
  await maps.delete({ namespace: 'default', name: 'a' });
  await until('a', 'rewritten');

  await restarted(() => maps.delete({ namespace: 'default', name: 'b' }));
  await until('b', '1');

  await remove('one');
  await until('a', undefined);
  await until('b', undefined);
});

t.test('one failing document keeps no other back, and nothing is removed meanwhile', async (t) => {
  const repository = new GitRepository(folder());
  repository.push({ 'a.yaml': map('d', '1'), 'old.yaml': map('old', '1') });
  await make('two', { source: { url: repository.url } });
  await until('old', '1');
  const bad = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Bad_Name}\n';
  const many = `${map('e', '1')}---\n${bad}---\nkind: Nothing\n---\n${map('f', '1')}`;
  repository.push({
    'old.yaml': null,
    'many.yaml': many,
    'broken.yaml': 'a: [1,\nb: {',
    'x.yaml': 'apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: x}\n',
  });
  await until('e', '1');
  await until('f', '1');
  const { message = '' } = await says('two', 'Applied', 'RenderFailed');
  t.match(message, /^broken\.yaml:\d+:\d+: /m);
  t.match(message, /^many\.yaml:10: apiVersion is missing/m);
  t.match(message, /^many\.yaml:6: ConfigMap default\/Bad_Name: .*is invalid: metadata\.name/m);
  t.match(message, /^x\.yaml:1: Thing default\/x: the server has no kind Thing/m);
  t.match(message, /not removed: ConfigMap default\/old/);
  t.equal(await dataOf('old'), '1');
  repository.push({ 'broken.yaml': null, 'many.yaml': map('e', '2'), 'x.yaml': null });
  await until('e', '2');
  await until('old', undefined);
  await until('f', undefined);
  await says('two', 'Ready', 'Ready');
  await remove('two');
});

t.test('namespaces and definitions come first, in one push', async (t) => {
  const repository = new GitRepository(folder());
  const thing = 'apiVersion: example.org/v1\nkind: Gizmo\nmetadata: {name: g}\nspec: {size: 1}\n';
  const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gizmos.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Gizmo, plural: gizmos, singular: gizmo, listKind: GizmoList}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`;
  const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n';
  repository.push({
    'kustomization.yaml':
      'resources: [a.yaml, z.yaml, y.yaml]\nnamespace: shop\nconfigMapGenerator: [{name: gen, literals: [key=1]}]\n',
    'a.yaml': `${thing}---\n${map('in-shop', '1')}`,
    'z.yaml': namespace,
    'y.yaml': definition,
  });
  await make('three', { source: { url: repository.url } });
  await until('in-shop', '1', 'shop');
  const gizmos: ResourceType = {
    group: 'example.org',
    version: 'v1',
    plural: 'gizmos',
    kind: 'Gizmo',
    namespaced: true,
  };
  await waitFor('the gizmo', () =>
    client
      .collection(gizmos)
      .get({ namespace: 'shop', name: 'g' })
      .catch(() => undefined),
  );
  await says('three', 'Ready', 'Ready');
  const generated = (await maps.list({ namespace: 'shop' })).items.map(
    ({ metadata }) => metadata.name,
  );
  t.ok(
    generated.some((name) => /^gen-\w{10}$/.test(name)),
    generated.join(),
  );
  // The namespace and the definition hold data: they stay, and say so.
  repository.push({
    'kustomization.yaml': 'resources: [a.yaml]\nnamespace: shop\n',
    'a.yaml': map('in-shop', '2'),
    'z.yaml': null,
    'y.yaml': null,
  });
  await until('in-shop', '2', 'shop');
  const kept = await waitFor('what is kept', async () => {
    const found = await condition('three', 'Applied');
    return found?.message?.includes('kept: ') ? found.message : undefined;
  });
  t.match(kept, /CustomResourceDefinition gizmos\.example\.org/);
  t.match(kept, /Namespace shop/);
  await remove('three');
});

t.test(
  'two GitSyncs do not fight for an object; an account may do no more than it may',
  async (t) => {
    const repository = new GitRepository(folder());
    repository.push({ 'a.yaml': map('shared', '1') });
    await make('four', { source: { url: repository.url } });
    await until('shared', '1');
    await says('four', 'Ready', 'Ready');
    await make('five', { source: { url: repository.url } });
    t.match(await says('five', 'Ready', 'ApplyFailed'), {
      message: /belongs to the GitSync default\/four/,
    });
    await remove('five');
    t.equal(await dataOf('shared'), '1', 'still there');
    await make('six', {
      source: { url: repository.url },
      targetNamespace: 'default',
      serviceAccount: 'weak',
    });
    t.match(await says('six', 'Ready', 'ApplyFailed'), {
      message: /a\.yaml:1: .*(forbidden|belongs)/,
    });
    await remove('six');
    await remove('four');
  },
);

t.test('suspended, it does nothing; without prune, what it made stays', async (t) => {
  const repository = new GitRepository(folder());
  repository.push({ 'a.yaml': map('s', '1') });
  await make('seven', { source: { url: repository.url }, prune: false });
  await until('s', '1');
  await says('seven', 'Ready', 'Ready');
  await all.patch({ namespace: 'default', name: 'seven' }, { spec: { suspend: true } }, 'merge');
  await says('seven', 'Ready', 'Suspended');
  repository.push({ 'a.yaml': map('s', '2') });
  await maps.patch({ namespace: 'default', name: 's' }, { data: { key: 'mine' } }, 'merge');
  await all.patch({ namespace: 'default', name: 'seven' }, { spec: { suspend: false } }, 'merge');
  await until('s', '2');
  await remove('seven');
  t.equal(await dataOf('s'), '2');
  // Somebody wrote between our reading and our writing: it is read again.
  const others = failures.filter((failure) => !/has been modified/.test(failure));
  t.strictSame(others, [], 'no run failed');
});

t.test('a Secret that is missing, and a folder that is not there, are told', async (t) => {
  const repository = new GitRepository(folder());
  repository.push({ 'apps/a.yaml': map('p', '1') });
  await make('eight', { source: { url: repository.url, secret: 'login' }, path: 'other' });
  t.match(await says('eight', 'Ready', 'NoSecret'), { message: /no Secret login/ });
  await client.collection(secrets).create({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'login', namespace: 'default' },
  });
  t.match(await says('eight', 'Ready', 'NotFound'), { message: /no folder other/ });
  await all.patch({ namespace: 'default', name: 'eight' }, { spec: { path: './apps/' } }, 'merge');
  await until('p', '1');
  await remove('eight');
  await until('p', undefined);
  t.strictSame(readdirSync(mirrors), [], 'no mirror is left');
});
