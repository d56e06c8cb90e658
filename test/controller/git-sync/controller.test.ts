/** GitSyncs under virtual time, with a source that says what the test wants. */
import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { configMaps, namespaces } from '#api/resources/resource-types.ts';
import { failure } from '#api/resources/status.ts';
import { type GitSync, gitSyncs } from '#controller/git-sync/types.ts';
import { running } from '../../support/controllers.ts';
import { aGitSync, controllerOver, FakeReader, map } from './fake-reader.ts';

interface Map extends ApiObject {
  data?: Record<string, string>;
}

const one = { namespace: 'default', name: 'one' };
const at = (name: string) => ({ namespace: 'default', name });

async function setUp(spec: Partial<GitSync['spec']> = {}) {
  const reader = new FakeReader();
  const run = running(controllerOver(reader));
  run.start();
  const syncs = run.api.collection<GitSync>(gitSyncs);
  await syncs.create(aGitSync('one', spec));
  const maps = run.api.collection<Map>(configMaps);
  const values = () =>
    Object.fromEntries(
      (run.api.store.all(configMaps) as Map[]).map(({ metadata, data }) => [
        metadata.name,
        data?.['key'],
      ]),
    );
  const condition = async (type: string, name = 'one') =>
    (await syncs.get(at(name))).status?.conditions?.find((one) => one.type === type);
  const push = (...names: string[]) => reader.push(names.map((name) => map(name, '1')));
  return { ...run, reader, syncs, maps, values, condition, push };
}

t.test('documents become objects, changes follow, what went goes', async (t) => {
  const { reader, settle, values, syncs, condition } = await setUp();
  reader.push([map('a', '1'), map('b', '1')]);
  await settle();
  t.strictSame(values(), { a: '1', b: '1' });
  reader.push([map('a', '2'), map('c', '1')]);
  await settle(5_000);
  t.strictSame(values(), { a: '2', c: '1' });
  const { status } = await syncs.get(one);
  t.match(status, { objectCount: 2, observedGeneration: 1, revision: /2$/ });
  t.match(await condition('Ready'), { status: 'True', reason: 'Ready' });
});

t.test('a change by others is put back at once, without asking the source', async (t) => {
  const { push, reader, settle, values, maps } = await setUp();
  push('a', 'b');
  await settle();
  const { asked } = reader;
  await maps.patch(at('a'), { data: { key: 'mine' } }, 'merge');
  await maps.delete(at('b'));
  await settle(50);
  t.strictSame(values(), { a: '1', b: '1' });
  t.equal(reader.asked, asked);
});

t.test('at rest nothing is written and nobody but the source is asked', async (t) => {
  const { push, settle, api, reader } = await setUp({ intervalSeconds: 600 });
  push('a', 'b');
  await settle(10_000);
  const { revision } = api.store;
  const { length } = api.requests;
  const { asked } = reader;
  await settle(3_600_000);
  t.equal(api.store.revision, revision);
  t.strictSame(api.requests.slice(length), []);
  t.ok(reader.asked - asked >= 5 && reader.asked - asked <= 6, `${reader.asked - asked} times`);
});

t.test('two that fight for a field do so ever less often', async (t) => {
  const { push, settle, api, maps, condition } = await setUp();
  push('a');
  await settle();
  const before = api.requests.length;
  for (let second = 0; second < 120; second += 1) {
    for (let i = 0; i < 10; i += 1) {
      await maps.patch(at('a'), { data: { key: `mine ${second} ${i}` } }, 'merge');
      await settle(100);
    }
  }
  const applied = api.requests.slice(before).filter((one) => one.startsWith('apply')).length;
  t.ok(applied < 25, `${applied} corrections of 1,200 changes`);
  t.match(await condition('Applied'), { reason: 'Contested', message: /ConfigMap default\/a/ });
  await settle(180_000);
  t.equal((await maps.get(at('a'))).data?.['key'], '1', 'it is ours in the end');
});

t.test('documents that cannot be read hold pruning back, and no other document', async (t) => {
  const { reader, settle, values, condition } = await setUp();
  reader.push([map('a', '1'), map('b', '1')]);
  await settle();
  reader.push([map('a', '2')], [{ place: 'b.yaml:3', message: 'broken' }]);
  await settle(10_000);
  t.strictSame(values(), { a: '2', b: '1' });
  t.match(await condition('Ready'), {
    status: 'False',
    reason: 'RenderFailed',
    message: /b\.yaml:3: broken/,
  });
  reader.push([]);
  await settle(10_000);
  t.strictSame(values(), { a: '2', b: '1' }, 'no documents at all: nothing is removed');
  t.match(await condition('Ready'), { status: 'False', reason: 'Empty' });
});

t.test('a document that is refused is tried again, ever later, until it is taken', async (t) => {
  const { push, settle, values, api, condition } = await setUp();
  api.fault = ({ verb, ref }) => {
    if (verb === 'apply' && ref?.name === 'bad') throw failure(422, 'Invalid', 'data: no');
  };
  push('bad', 'good');
  await settle(600_000);
  t.strictSame(values(), { good: '1' });
  t.match(await condition('Ready'), {
    reason: 'ApplyFailed',
    message: 'bad.yaml:1: ConfigMap default/bad: data: no',
  });
  const tries = api.requests.filter((one) => one === 'apply configmaps/default/bad').length;
  t.ok(tries > 5 && tries < 20, `${tries} tries in ten minutes`);
  api.fault = () => undefined;
  await settle(130_000);
  t.strictSame(values(), { bad: '1', good: '1' });
  t.match(await condition('Ready'), { status: 'True' });
});

t.test('an outage of the source is told, and drift put back meanwhile', async (t) => {
  const { push, reader, settle, maps, values, condition, stop, start } = await setUp();
  push('a');
  await settle();
  reader.fail('Unreachable', 'no route');
  await settle();
  t.match(await condition('Ready'), {
    status: 'False',
    reason: 'Unreachable',
    message: 'no route',
  });
  const { asked } = reader;
  stop();
  await maps.delete(at('a'));
  start();
  await settle();
  t.strictSame(values(), { a: '1' }, 'by what is held of the last revision');
  await settle(3_600_000);
  t.ok(reader.asked - asked < 25, `asked ${reader.asked - asked} times in an hour`);
  push('a', 'b');
  await settle(330_000);
  t.strictSame(values(), { a: '1', b: '1' });
  t.match(await condition('Ready'), { status: 'True' });
});

t.test('what holds data stays until it may go; what says so stays, too', async (t) => {
  const { reader, settle, api, condition } = await setUp();
  const shop = {
    object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
    place: 'shop.yaml:1',
  };
  const pinned = map('pinned', '1', { annotations: { 'bayplan.dev/prune': 'false' } });
  reader.push([shop, pinned, map('a', '1')]);
  await settle();
  reader.push([map('a', '1')]);
  await settle(10_000);
  t.equal(api.store.all(namespaces).length, 1);
  t.equal(api.store.all(configMaps).length, 2);
  t.match(await condition('Applied'), { status: 'True', message: /kept: .*(pinned|shop)/ });
  const may = { metadata: { annotations: { 'bayplan.dev/prune': 'true' } } };
  await api.collection(namespaces).patch({ name: 'shop' }, may, 'merge');
  const request = { metadata: { annotations: { 'bayplan.dev/requested-at': '1' } } };
  await api.collection(gitSyncs).patch(one, request, 'merge');
  await settle(10_000);
  t.equal(api.store.all(namespaces).length, 0);
});

t.test('an object that somebody made anew under the same name is not removed', async (t) => {
  const { push, settle, maps, values, stop, start } = await setUp();
  push('a', 'b');
  await settle();
  stop();
  push('a');
  await maps.delete(at('b'));
  await maps.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: at('b'),
    data: { key: 'theirs' },
  });
  start();
  await settle(5_000);
  t.strictSame(values(), { a: '1', b: 'theirs' });
});

t.test('with the GitSync goes what it made; with another of its name nothing', async (t) => {
  const { push, settle, values, syncs, api, reader } = await setUp();
  push('a', 'b');
  await settle();
  await syncs.create(aGitSync('two'));
  await settle();
  const two = await syncs.get(at('two'));
  t.match(
    two.status?.conditions?.find(({ type }) => type === 'Ready'),
    { message: /GitSync default\/one/ },
  );
  await syncs.delete(at('two'));
  await settle(5_000);
  t.strictSame(values(), { a: '1', b: '1' });
  await syncs.delete(one);
  await settle(5_000);
  t.strictSame(values(), {});
  t.equal(api.store.all(gitSyncs).length, 0);
  t.equal(reader.forgotten.length, 2);
});
