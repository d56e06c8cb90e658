import t from 'tap';
import type { KubeObject } from '#api/resources/meta.ts';
import { createMemoryStorage } from '#api/storage/memory.ts';
import { startTestServer } from '../../support/api-server.ts';
import { raw } from '../../support/raw-request.ts';

const roles = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';

type Server = Awaited<ReturnType<typeof startTestServer>>;
const get = async (server: Server, path: string): Promise<KubeObject> =>
  (await raw(server, 'GET', path)).json;

/** A store that outlives its servers. */
function lasting() {
  const storage = createMemoryStorage();
  const close = storage.close.bind(storage);
  return Object.assign(storage, { close: async () => undefined, end: close });
}

t.test('a start puts right what was taken away and leaves what people added', async (t) => {
  const storage = lasting();
  t.teardown(() => storage.end());
  const first = await startTestServer(storage);
  const edit = async (path: string, change: (object: KubeObject) => object) => {
    const held = await get(first, path);
    const answer = await raw(first, 'PUT', path, { body: { ...held, ...change(held) } });
    t.equal(answer.status, 200, answer.text);
  };
  const extra = { verbs: ['get'], apiGroups: ['x'], resources: ['y'] };
  const kept = await get(first, `${roles}/system:discovery`);
  await edit(`${roles}/system:basic-user`, () => ({ rules: [extra] }));
  await edit(`${bindings}/system:discovery`, () => ({ subjects: [] }));
  await edit(`${roles}/system:kube-dns`, ({ metadata }) => ({
    rules: [],
    metadata: {
      ...metadata,
      annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' },
    },
  }));
  await raw(first, 'DELETE', `${roles}/view`);
  const wrong = await get(first, `${bindings}/system:basic-user`);
  await raw(first, 'DELETE', `${bindings}/system:basic-user`);
  const elsewhere = { ...(wrong['roleRef'] as object), name: 'cluster-admin' };
  const { metadata, ...rest } = wrong;
  const { name, labels, annotations } = metadata;
  await raw(first, 'POST', bindings, {
    body: { ...rest, metadata: { name, labels, annotations }, roleRef: elsewhere },
  });
  await first.close();

  const second = await startTestServer(storage);
  t.teardown(() => second.close());
  const basic = await get(second, `${roles}/system:basic-user`);
  t.match(basic['rules'], [extra, { verbs: ['create'] }, { verbs: ['create'] }]);
  t.match(await get(second, `${bindings}/system:discovery`), {
    subjects: [{ kind: 'Group', name: 'system:authenticated' }],
  });
  t.strictSame((await get(second, `${roles}/system:kube-dns`))['rules'], [], 'told to leave it');
  t.match(await get(second, `${roles}/view`), { aggregationRule: {} });
  t.match(await get(second, `${bindings}/system:basic-user`), {
    roleRef: { name: 'system:basic-user' },
  });
  const still = await get(second, `${roles}/system:discovery`);
  t.equal(still.metadata.resourceVersion, kept.metadata.resourceVersion, 'no write without need');
});
