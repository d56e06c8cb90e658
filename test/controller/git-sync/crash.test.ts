/** GitSyncs whose controller dies between any two writes. */
import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { configMaps } from '#api/resources/resource-types.ts';
import { type GitSync, gitSyncs } from '#controller/git-sync/types.ts';
import { running } from '../../support/controllers.ts';
import { crashEverywhere } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';
import { aGitSync, controllerOver, FakeReader, map } from './fake-reader.ts';

interface Map extends ApiObject {
  data?: Record<string, string>;
}

const one = { namespace: 'default', name: 'one' };
const at = (name: string) => ({ namespace: 'default', name });

t.test('a crash between any two writes changes nothing in the end', async (t) => {
  let reader = new FakeReader();
  const fresh = () => {
    reader = new FakeReader();
    reader.push([map('a', '1'), map('b', '1')]);
  };
  const picture = (api: MemoryApi) => ({
    maps: (api.store.all(configMaps) as Map[]).map(({ metadata, data }) => [metadata.name, data]),
    syncs: (api.store.all(gitSyncs) as GitSync[]).map(({ metadata, status }) => [
      metadata.name,
      status?.objects?.map(({ name, uid }) => [name, uid !== undefined]),
      status?.conditions?.map(({ type, status: is, reason, message }) => [
        type,
        is,
        reason,
        message,
      ]),
      status?.revision,
    ]),
  });
  const proxy = new Proxy({} as FakeReader, {
    get: (_, name: keyof FakeReader) => {
      const value: unknown = reader[name];
      return typeof value === 'function' ? value.bind(reader) : value;
    },
  });
  const count = await crashEverywhere(
    {
      controllers: [controllerOver(proxy)],
      steps: [
        (api) => {
          fresh();
          return api.collection<GitSync>(gitSyncs).create(aGitSync('one'));
        },
        () => reader.push([map('a', '2'), map('c', '1')]),
        (api) => api.collection(configMaps).patch(at('a'), { data: { key: 'mine' } }, 'merge'),
        () => reader.push([map('c', '2')]),
        (api) => api.collection<GitSync>(gitSyncs).create(aGitSync('two', { suspend: true })),
        (api) => api.collection(gitSyncs).delete(at('two')),
      ],
      picture,
    },
    (result, undisturbed, crash) => t.strictSame(result, undisturbed, crash),
  );
  t.ok(count > 12, `${count} writes`);
});

t.test('a crash while everything goes leaves nothing', async (t) => {
  const reader = new FakeReader();
  reader.push([map('a', '1'), map('b', '1')]);
  const count = await crashEverywhere(
    {
      controllers: [controllerOver(reader)],
      steps: [
        (api) => api.collection<GitSync>(gitSyncs).create(aGitSync('one')),
        (api) => api.collection(gitSyncs).delete(one),
      ],
      picture: (api) => [api.store.all(configMaps), api.store.all(gitSyncs)],
    },
    (result, undisturbed, crash) => t.strictSame(result, undisturbed, crash),
  );
  t.ok(count > 6, `${count} writes`);
});

t.test('what was made just before a crash goes, though its document went meanwhile', async (t) => {
  const reader = new FakeReader();
  const run = running(controllerOver(reader));
  reader.push([map('a', '1'), map('b', '1')]);
  run.start();
  const died = Promise.withResolvers<void>();
  run.api.fault = ({ verb, ref }) => {
    const isMade = run.api.store.find(configMaps, at('b')) !== undefined;
    if (verb === 'updateStatus' && ref?.name === 'one' && isMade) {
      died.resolve();
      throw new Error('killed');
    }
  };
  await run.api.collection<GitSync>(gitSyncs).create(aGitSync('one'));
  await run.settle();
  await died.promise;
  run.stop();
  run.api.fault = () => undefined;
  const { status } = await run.api.collection<GitSync>(gitSyncs).get(one);
  t.match(status?.objects, [
    { name: 'a', uid: undefined },
    { name: 'b', uid: undefined },
  ]);
  reader.push([map('a', '1')]);
  run.start();
  await run.settle(5_000);
  t.strictSame(
    run.api.store.all(configMaps).map(({ metadata }) => metadata.name),
    ['a'],
  );
});
