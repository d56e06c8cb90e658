/**
 * Behaviours that are the API of one kind: create, read, list, watch, replace, patch, status, delete, delete many. Named
 * as the profile names them.
 */
import t from 'tap';
import { runControllers } from '#controller/runtime/world.ts';
import {
  claimProtectionController,
  volumeProtectionController,
} from '#controller/volume-protection/controller.ts';
import { waitFor } from '../support/cluster.ts';
import { signingRequest } from '../support/signing-request.ts';
import { startApi } from './client.ts';
import { type LifeCycle, lifeCycles } from './life-cycles.ts';
import { moreLifeCycles } from './more-life-cycles.ts';

const api = await startApi();
// Claims and volumes go when their controllers let them.
const controllers = runControllers(api.server.client('controller'), [
  claimProtectionController,
  volumeProtectionController,
]).subscribe();
t.teardown(async () => {
  controllers.unsubscribe();
  await api.server.close();
});
/** Jobs and ReplicationControllers would otherwise wait for their dependents to be let go. */
const background = 'propagationPolicy=Background';
const { request } = signingRequest({ commonName: 'e2e-csr' });

// Each has a label of its own, and most of each is waiting for a watch to end.
t.jobs = 12;
for (const [index, each] of [...lifeCycles, ...moreLifeCycles].entries()) {
  t.test(each.name, { buffered: true }, (t) => run(t, each, `e2e-${index}`));
}

async function run(t: Tap, each: LifeCycle, label: string): Promise<void> {
  const { path, object, status, also = {} } = each;
  const collection = path.replace('NS', '/namespaces/default');
  const all = path.replace('NS', '');
  const apiVersion = /^\/apis\/([^/]+\/v\w+?)(?=NS|\/)/.exec(path)?.[1] ?? 'v1';
  const { kind } = object as { kind: string };
  const document = (name: string) =>
    JSON.parse(
      JSON.stringify({
        apiVersion,
        ...object,
        metadata: { name, labels: { [label]: 'yes' } },
      }).replace('"REQUEST"', `"${request}"`),
    );
  const selector = `labelSelector=${label}%3Dyes`;

  const made = await api.post(collection, document(`${label}-one`));
  t.equal(made.status, 201, made.text);
  const { metadata } = made.json;
  t.ok(metadata.uid && metadata.creationTimestamp && metadata.resourceVersion);
  const item = `${collection}/${metadata.name}`;
  t.equal((await api.post(collection, document(metadata.name))).json.reason, 'AlreadyExists');
  t.strictSame((await api.get(item)).json, made.json);
  for (const list of [collection, all]) {
    const { json } = await api.get(`${list}?${selector}`);
    t.equal(json.kind, `${kind}List`);
    t.strictSame(json.items.length, 1, list);
  }

  const patched = await api.patch(item, { metadata: { annotations: { patched: 'true' } } });
  t.equal(patched.json.metadata?.annotations?.patched, 'true', patched.text);
  await t.test(also.replace ?? 'replace', async (t) => {
    const next = patched.json;
    next.metadata.annotations.updated = 'true';
    const updated = await api.put(item, next);
    t.equal(updated.json.metadata?.annotations?.updated, 'true', updated.text);
    t.equal((await api.put(item, next)).status, 409, 'the same again is of an old version');
  });
  if (status !== undefined) {
    await t.test(also.status ?? 'status', (t) => changeStatus(t, item, status));
  }

  const events = await api.watch(all, `resourceVersion=${metadata.resourceVersion}&${selector}`);
  t.ok(events.filter(([type]) => type === 'MODIFIED').length >= 2);

  /** At once; of what a controller lets go first, a little later. */
  const gone = async <T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<void> => {
    const isHeld = metadata.finalizers !== undefined;
    const now = await ask();
    t.ok(holds(now) || isHeld, 'gone at once');
    await waitFor(`${item} to be gone`, async () => (holds(await ask()) ? true : undefined));
  };
  t.equal((await api.delete(`${item}?${background}`)).status, 200);
  await gone(
    () => api.get(item),
    ({ status: code }) => code === 404,
  );
  await t.test(also.collection ?? 'collection', async (t) => {
    for (const name of ['two', 'three']) await api.post(collection, document(`${label}-${name}`));
    t.equal((await api.get(`${all}?${selector}`)).json.items.length, 2);
    t.equal((await api.delete(`${collection}?${background}&${selector}`)).status, 200);
    await gone(
      () => api.get(`${all}?${selector}`),
      ({ json }) => json.items.length === 0,
    );
  });
}

type Tap = Pick<typeof t, 'equal' | 'match' | 'ok' | 'strictSame' | 'test'>;

/** Through `/status` the status changes and the rest stays; through the object itself the other way round. */
async function changeStatus(t: Tap, item: string, status: object): Promise<void> {
  const before = (await api.get(`${item}/status`)).json;
  const patched = await api.patch(`${item}/status`, { status });
  t.match(patched.json.status, status, patched.text);
  const { generation } = patched.json.metadata;
  t.equal(generation, before.metadata.generation);
  t.strictSame(patched.json.spec, before.spec);
  const put = await api.put(`${item}/status`, patched.json);
  t.equal(put.status, 200, put.text);
  const main = await api.patch(item, { status: { nonsense: 1 } });
  t.match(main.json.status, status);
}
