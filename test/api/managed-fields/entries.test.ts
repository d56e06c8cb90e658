import t from 'tap';
import type { ManagedFieldsEntry } from '#api/resources/meta.ts';
import { builtIn, World } from './world.ts';

const configMaps = builtIn('', 'configmaps');
const pods = builtIn('', 'pods');

const entries = (world: World): readonly ManagedFieldsEntry[] =>
  world.live?.metadata.managedFields ?? [];

t.test('the time of an entry is that of the last change, of others it stays', async (t) => {
  const world = new World(configMaps);
  world.update('a', { data: { x: '1' } }, { at: '01' });
  world.update('b', { data: { x: '1', y: '1' } }, { at: '02' });
  world.update('b', { data: { x: '1', y: '2' } }, { at: '03' });
  t.strictSame(
    entries(world).map(({ manager, time }) => [manager, time?.slice(17, 19)]),
    [
      ['a', '01'],
      ['b', '03'],
    ],
  );
  world.update('c', { data: { x: '1' } }, { at: '04' });
  t.strictSame(
    entries(world).map(({ manager, time }) => [manager, time?.slice(17, 19)]),
    [['a', '01']],
  );
});

for (const reset of [[], [{}]]) {
  t.test(`managedFields: ${JSON.stringify(reset)} takes it from everybody`, async (t) => {
    const world = new World(configMaps);
    world.update('a', { data: { x: '1' } });
    world.update('b', { metadata: { managedFields: reset }, data: { x: '2' } });
    t.notOk('managedFields' in (world.live?.metadata ?? {}));
    world.update('b', { data: { x: '3' } });
    t.strictSame(world.owners, {}, 'nobody owns anything until the next apply');
    world.apply('a', { data: { y: '1' } });
    t.strictSame(world.owners, {
      'a Apply': ['.data.y'],
      'before-first-apply Update': ['.data', '.data.x'],
    });
  });
}

t.test('managers that were sent count, if they can be read', async (t) => {
  const world = new World(configMaps);
  world.update('a', { data: { x: '1', y: '1' } });
  const [entry] = entries(world);
  const moved = [{ ...entry, manager: 'k', operation: 'Apply' }];
  world.update('b', { metadata: { managedFields: moved }, data: { x: '1', y: '2' } });
  t.strictSame(world.owners, { 'k Apply': ['.data', '.data.x'], 'b Update': ['.data.y'] });
  const before = world.owners;
  for (const wrong of [
    [{ ...entry, operation: 'Guess' }],
    [{ ...entry, apiVersion: '' }],
    [{ ...entry, fieldsType: 'FieldsV2' }],
    [{ ...entry, fieldsV1: { 'f:a': null } }],
    'x',
  ]) {
    world.update('b', { metadata: { managedFields: wrong }, data: { x: '1', y: '2' } });
    t.strictSame(world.owners, before);
  }
});

t.test('a subresource cannot set managers', async (t) => {
  const world = new World(pods);
  world.update('a', { spec: { nodeName: 'n' } });
  const status = { spec: { nodeName: 'n' }, status: { phase: 'Running' } };
  world.update('b', { ...status, metadata: { managedFields: [] } }, { subresource: 'status' });
  t.strictSame(Object.keys(world.owners), ['a Update', 'b Update/status']);
});

t.test('more than ten that update are put together, the oldest first', async (t) => {
  const world = new World(configMaps);
  const data: Record<string, string> = {};
  for (let index = 10; index < 25; index++) {
    data[`k${index}`] = '1';
    world.update(`m${index}`, { data: { ...data } }, { at: String(index) });
    t.ok(entries(world).length <= 10);
  }
  const [ancient, ...others] = entries(world);
  t.equal(ancient?.manager, 'ancient-changes');
  t.strictSame(Object.keys(Object(ancient?.fieldsV1?.['f:data'])), [
    '.',
    ...[10, 11, 12, 13, 14, 15].map((index) => `f:k${index}`),
  ]);
  t.equal(ancient?.time, '2030-01-01T00:00:15Z');
  t.strictSame(
    others.map(({ manager }) => manager),
    [16, 17, 18, 19, 20, 21, 22, 23, 24].map((index) => `m${index}`),
  );
});

t.test('appliers come first, then who updates, by time and name', async (t) => {
  const world = new World(configMaps);
  world.update('z', { data: { z: '1' } }, { at: '01' });
  world.update('y', { data: { z: '1', y: '1' } }, { at: '01' });
  world.apply('x', { data: { x: '1' } }, { at: '09' });
  t.strictSame(
    entries(world).map(({ manager }) => manager),
    ['x', 'y', 'z'],
  );
});

t.test('managers of a version that is not served any more are forgotten', async (t) => {
  const world = new World(configMaps);
  world.update('a', { data: { x: '1' } });
  const [entry] = entries(world);
  const managedFields = [...entries(world), { ...entry, apiVersion: 'v0', manager: 'gone' }];
  world.update('b', { metadata: { managedFields }, data: { x: '1', y: '1' } });
  t.strictSame(Object.keys(world.owners), ['a Update', 'b Update']);
});
