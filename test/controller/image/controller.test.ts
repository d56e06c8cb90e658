/** Images as documents: pulled, named, pushed, released; nodes and registries in memory, under virtual time. */
import t from 'tap';
import { nodes, secrets, snapshots } from '#api/resources/resource-types.ts';
import { digestFor } from '../../support/fake-nodes.ts';
import { document, labelled, setUp, web } from './rig.ts';

t.test('an Image is pulled to every node that is ready, and tells where it is', async (t) => {
  const { fake, settle, status, api } = await setUp(
    { source: { reference: web }, tags: ['web:stable'] },
    labelled('a', 'x'),
    labelled('b', 'y'),
    labelled('c', 'x', 'False'),
  );
  fake.remote.set(web, () => digestFor('1'));
  await settle();
  t.match(await status(), {
    phase: 'Ready',
    digest: digestFor('1'),
    sizeBytes: 1000,
    nodes: [
      { name: 'a', phase: 'Ready', digest: digestFor('1') },
      { name: 'b', phase: 'Ready' },
    ],
    conditions: [
      { type: 'Ready', status: 'True', reason: 'Held', message: '2 of 2 nodes hold it' },
    ],
  });
  t.strictSame(fake.tagsOn('a'), ['docker.io/library/web:stable', web]);
  const before = api.store.revision;
  await settle(1000);
  t.equal(api.store.revision, before, 'nothing more is written');
  api.store.put(nodes, labelled('c', 'x'));
  await settle();
  t.equal(fake.pulls.length, 3, 'a node that comes gets it, too');
  fake.held.clear();
  await settle(400_000);
  t.strictSame(fake.tagsOn('b'), ['docker.io/library/web:stable', web], 'what is lost comes back');
});

t.test('only nodes with the labels asked for', async (t) => {
  const { fake, settle, change, ready } = await setUp({
    source: { reference: web },
    nodeSelector: { zone: 'x' },
  });
  fake.remote.set(web, () => digestFor('1'));
  await settle();
  t.strictSame(fake.pulls, [{ node: 'a', reference: web }]);
  await change({ nodeSelector: { zone: 'z' } });
  t.match(await ready(), { status: 'False', reason: 'NoNode' });
});

t.test('progress, a failure with its reason, and the next try after a while', async (t) => {
  const { fake, settle, status, ready } = await setUp(
    { source: { reference: web } },
    labelled('a', 'x'),
  );
  await settle();
  t.match(await status(), { phase: 'Failed', nodes: [{ phase: 'Failed' }] });
  t.match(await ready(), {
    reason: 'PullFailed',
    message: `0 of 1 nodes hold it; a: pull ${web}: 404 Not Found`,
  });
  t.equal(fake.pulls.length, 1);
  const done = Promise.withResolvers<string>();
  let tell: (done: number, total: number) => void = () => undefined;
  fake.remote.set(web, ({ onProgress }) => {
    tell = onProgress;
    return done.promise;
  });
  await settle(12_000);
  t.equal(fake.pulls.length, 2, 'ten seconds later');
  tell(25e6, 100e6);
  await settle();
  t.match(await status(), {
    phase: 'Pulling',
    nodes: [{ name: 'a', phase: 'Pulling', doneBytes: 25e6, totalBytes: 100e6 }],
  });
  t.match(await ready(), {
    reason: 'Pulling',
    message: '0 of 1 nodes hold it; 25.0 of 100.0 MB are there',
  });
  done.resolve(digestFor('2'));
  await settle();
  t.match(await status(), { phase: 'Ready', digest: digestFor('2') });
});

t.test('pushes go to each target once, with the login of the secret', async (t) => {
  const target = 'mirror.example/team/web:1';
  const spec = {
    source: { reference: web },
    push: [target],
    pullSecret: { namespace: 'ops', name: 'login' },
  };
  const run = await setUp(spec, labelled('a', 'x'));
  const { fake, settle, status, api, change } = run;
  fake.remote.set(web, () => digestFor('1'));
  await settle();
  t.match(await run.ready(), { reason: 'PullFailed', message: /login/ });
  const auths = {
    'registry.example': { auth: Buffer.from('ann:secret').toString('base64') },
    'https://mirror.example/v2/': { username: 'bob', password: 'x' },
  };
  const config = Buffer.from(JSON.stringify({ auths })).toString('base64');
  api.store.put(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'ops', name: 'login' },
    data: { '.dockerconfigjson': config },
  } as never);
  await settle(12_000);
  t.strictSame(fake.pulls, [{ node: 'a', reference: web, user: 'ann' }]);
  t.strictSame(fake.pushed, [{ node: 'a', reference: target, user: 'bob' }]);
  t.match(await status(), {
    phase: 'Ready',
    pushed: [{ reference: target, digest: digestFor('1'), of: digestFor('1') }],
    conditions: [{ type: 'Ready' }, { type: 'Pushed', status: 'True' }],
  });
  await settle(400_000);
  t.equal(fake.pushed.length, 1);
  fake.refusePush = true;
  await change({ push: [target, 'other.example/web:1'] });
  t.match(await status(), {
    conditions: [
      {},
      { type: 'Pushed', status: 'False', message: /1 of 2 .*other.example\/web:1: push other/ },
    ],
  });
  fake.refusePush = false;
  await settle(12_000);
  t.equal(fake.pushed.length, 2);
  t.notMatch(JSON.stringify(await run.get()), /secret|YW5uOnNlY3JldA/);
});

t.test('names that are not wanted any more go, those of others stay', async (t) => {
  const { fake, settle, change, collection, get } = await setUp(
    { source: { reference: web }, tags: ['one:1', 'two:1'] },
    labelled('a', 'x'),
  );
  fake.remote.set(web, () => digestFor('1'));
  await settle();
  fake.put('a', digestFor('1'), 'mine:1');
  await collection.create(document({ source: { reference: web } }, 'other'));
  await change({ tags: ['one:1'] });
  const one = 'docker.io/library/one:1';
  t.strictSame(fake.tagsOn('a'), [one, 'mine:1', web]);
  await collection.delete({ name: 'web' });
  await settle();
  await t.rejects(get(), { code: 404 });
  t.strictSame(fake.tagsOn('a'), ['mine:1', web], 'another document wants it');
  await collection.delete({ name: 'other' });
  await settle();
  t.strictSame(fake.tagsOn('a'), ['mine:1'], 'what a person named, a person removes');
});

t.test(
  'a document goes though a node is lost, and waits for one that does not answer',
  async (t) => {
    const { fake, settle, collection, get, api } = await setUp({ source: { reference: web } });
    fake.remote.set(web, () => digestFor('1'));
    await settle();
    fake.lost.add('b');
    await collection.delete({ name: 'web' });
    await settle();
    t.ok(await get(), 'b says it is ready');
    t.strictSame(fake.tagsOn('a'), []);
    api.store.put(nodes, labelled('b', 'y', 'Unknown'));
    await settle(5000);
    await t.rejects(get(), { code: 404 });
  },
);

t.test('a deletion cancels the pull under way', async (t) => {
  const { fake, settle, collection, get } = await setUp({ source: { reference: web } });
  const aborted: boolean[] = [];
  fake.remote.set(web, ({ signal }) => {
    const { promise, reject } = Promise.withResolvers<string>();
    signal.addEventListener('abort', () => {
      aborted.push(true);
      reject(new Error('cancelled'));
    });
    return promise;
  });
  await settle();
  await collection.delete({ name: 'web' });
  await settle();
  t.strictSame(aborted, [true, true]);
  await t.rejects(get(), { code: 404 });
});

t.test('archives from a URL, uploaded ones, and snapshots', async (t) => {
  const url = 'https://files.example/web.tar';
  const { fake, settle, status, change, api, ready } = await setUp(
    { source: { url }, tags: ['web:1'] },
    labelled('a', 'x'),
  );
  fake.remote.set(url, () => digestFor('3'));
  await settle();
  t.match(await status(), { phase: 'Ready', digest: digestFor('3') });
  t.strictSame(fake.tagsOn('a'), ['docker.io/library/web:1']);
  await change({ source: { archive: digestFor('4') } });
  t.match(await ready(), { reason: 'Waiting', message: /bay image load FILE --node NODE/ });
  fake.put('a', digestFor('4'), 'loaded:1');
  await settle(400_000);
  t.match(await status(), { phase: 'Ready', digest: digestFor('4') });
  await change({ source: { snapshot: { namespace: 'default', name: 's' } } });
  t.match(await ready(), { reason: 'NoSource', message: 'there is no Snapshot default/s' });
  const snapshot = {
    apiVersion: 'bayplan.dev/v1alpha1',
    kind: 'Snapshot',
    metadata: { namespace: 'default', name: 's' },
    spec: { image: 'x' },
  };
  fake.put('a', digestFor('5'), 'x:1');
  api.store.put(snapshots, { ...snapshot, status: { digest: digestFor('5') } } as never);
  await settle();
  t.match(await status(), { phase: 'Ready', digest: digestFor('5') });
});

t.test('a controller that is killed begins its pulls again', async (t) => {
  const run = await setUp({ source: { reference: web } }, labelled('a', 'x'));
  let begun = 0;
  run.fake.remote.set(web, () => {
    begun += 1;
    return begun === 1 ? new Promise<string>(() => undefined) : digestFor('1');
  });
  await run.settle();
  t.equal(begun, 1);
  run.stop();
  run.start();
  await run.settle();
  t.match(await run.status(), { phase: 'Ready' });
});
