/** A container is waited for by one watch; whatever happens to it or to the server, who waits is told. */
import t from 'tap';
import { failure } from '#api/resources/status.ts';
import { type Container, containersOf } from '#cli/container.ts';
import { FollowedContainer } from '#cli/followed-container.ts';
import { memoryApi } from '../support/memory-collection.ts';

const ref = { name: 'web', namespace: 'default' };
const document: Container = {
  apiVersion: 'bayplan.dev/v1alpha1',
  kind: 'Container',
  metadata: ref,
  spec: { image: 'busybox' },
};
const isIn =
  (phase: string) =>
  ({ status }: Container): boolean =>
    status?.phase === phase;

async function setUp(t: { teardown(run: () => void): void }) {
  const api = memoryApi();
  const all = containersOf(api);
  const followed = new FollowedContainer(api, await all.create(document));
  t.teardown(() => followed.close());
  const becomes = (phase: string) => all.patchStatus(ref, { status: { phase } }, 'merge');
  const asked = () => api.requests.filter((line) => /^(watch|get) /.test(line));
  return { api, all, followed, becomes, asked };
}

t.test('one request, however much happens', async (t) => {
  const { api, followed, becomes, asked } = await setUp(t);
  const running = followed.until(isIn('running'), { limitMs: 5_000 });
  await containersOf(api).create({ ...document, metadata: { ...ref, name: 'other' } });
  for (const phase of ['created', 'running', 'exited']) await becomes(phase);
  t.match(await running, { metadata: { name: 'web' }, status: { phase: 'running' } });
  t.match(await followed.until(isIn('exited')), { status: { phase: 'exited' } });
  t.match(await followed.until(isIn('exited')), { status: { phase: 'exited' } }, 'it is so now');
  t.strictSame(asked(), ['watch containers']);
});

t.test('removed, or another by the name: ours is gone, and what it was is known', async (t) => {
  const first = await setUp(t);
  await first.becomes('running');
  const waiting = first.followed.until(isIn('exited'));
  await first.all.delete(ref);
  t.equal(await waiting, undefined);
  t.equal(await first.followed.until(isIn('running')), undefined);
  t.equal(first.followed.last.status?.phase, 'running');

  const { api, all, followed } = await setUp(t);
  api.store.disconnect();
  await all.delete(ref);
  await all.create(document);
  t.equal(await followed.until(isIn('exited')), undefined);
});

t.test('a watch that ends is begun anew from where the container is', async (t) => {
  const { api, followed, becomes, asked } = await setUp(t);
  const exited = followed.until(isIn('exited'));
  api.store.disconnect();
  await becomes('running');
  await followed.until(isIn('running'), { limitMs: 5_000 });
  await becomes('exited');
  t.match(await exited, { status: { phase: 'exited' } });
  t.strictSame(asked(), ['watch containers', 'get containers/default/web', 'watch containers']);
});

t.test('a server that refuses is asked again; its words are told when time is over', async (t) => {
  const { api, followed, becomes } = await setUp(t);
  let refusals = 0;
  api.fault = ({ verb }) => {
    if (verb !== 'get' || refusals > 3) return;
    refusals += 1;
    throw failure(503, 'ServiceUnavailable', 'no leader');
  };
  api.store.disconnect();
  await t.rejects(followed.until(isIn('running'), { limitMs: 120 }), {
    message: /^wait for container web: no leader after 0.12 s$/,
  });
  await becomes('running');
  t.match(await followed.until(isIn('running'), { limitMs: 5_000 }), {
    status: { phase: 'running' },
  });
  t.equal(refusals, 4);
});

t.test('a failure that no waiting helps against', async (t) => {
  const { api, followed } = await setUp(t);
  api.fault = ({ verb }) => {
    if (verb === 'get') throw new Error('the certificate is not ours');
  };
  const waiting = followed.until(isIn('running'));
  api.store.disconnect();
  await t.rejects(waiting, /certificate/);
  await t.rejects(followed.until(isIn('running')), /certificate/, 'who asks later, too');
});

t.test('time is over', async (t) => {
  const { followed } = await setUp(t);
  await t.rejects(followed.until(isIn('running'), { limitMs: 20 }), {
    message: 'wait for container web: not yet after 0.02 s',
  });
});

t.test('who gives up is told so, at once', async (t) => {
  const { followed } = await setUp(t);
  const leaving = new AbortController();
  const waiting = followed.until(isIn('running'), { signal: leaving.signal });
  leaving.abort('SIGINT');
  const message = 'wait for container web: given up: SIGINT';
  await t.rejects(waiting, { message });
  await t.rejects(followed.until(isIn('running'), { signal: leaving.signal }), { message });
});
