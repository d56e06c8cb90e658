/** What is kept and removed, also over crashes. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openLayers } from '#native/layer-mounts.ts';
import { openImages } from '#node-agent/image/image-store.ts';
import { folder, loadTagged, rootOf } from '../../support/image-store.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';

needsRoot();
const directory = scratch('store');

t.test('content goes when the last reference to it goes', async (t) => {
  const dataDir = directory();
  const images = await openImages({ dataDir });
  await loadTagged(images, ['a', 'a:2']);
  const b = await loadTagged(images, ['b']);
  t.equal(folder(dataDir, 'layers').length, 3);
  await images.remove('a');
  t.equal(folder(dataDir, 'layers').length, 3, 'a:2 still refers to it');
  await images.remove('a:2');
  t.equal(folder(dataDir, 'layers').length, 2);
  t.equal(folder(dataDir, 'blobs/sha256').length, 4, 'two layers, configuration, manifest');
  t.ok(existsSync((await images.layers(b))[0] ?? ''), 'the shared layer stays');
  await images.remove(b.id.slice(0, 20));
  t.strictSame(folder(dataDir, 'layers'), []);
  t.strictSame(folder(dataDir, 'blobs/sha256'), []);
  await t.rejects(images.remove('b'), { code: 'NotFound', message: /no such image on this node/ });
});

t.test('a layer a container stands on is kept until it is free', async (t) => {
  const dataDir = directory();
  const images = await openImages({ dataDir });
  const [, own = ''] = await images.layers(await loadTagged(images, ['a']));
  const mountPoint = directory();
  const other = directory();
  const opened = await openLayers([own]);
  execFileSync('mount', [
    '-t',
    'overlay',
    'overlay',
    '-o',
    `lowerdir=${opened.paths.join(':')}:${other}`,
    mountPoint,
  ]);
  opened.close();
  try {
    await images.remove('a');
    t.ok(existsSync(join(mountPoint, 'own')));
    t.equal(folder(dataDir, 'layers').length, 1);
  } finally {
    execFileSync('umount', [mountPoint]);
  }
  await openImages({ dataDir });
  t.strictSame(folder(dataDir, 'layers'), []);
});

t.test('everything is there again when the store is opened anew', async (t) => {
  const dataDir = directory();
  const before = await openImages({ dataDir });
  const image = await loadTagged(before, ['a', 'b']);
  const after = await openImages({ dataDir });
  t.strictSame(await after.list(), [image]);
  t.strictSame(await after.layers(image), await before.layers(image));
});

t.test('what a crash left half done is removed at the next start', async (t) => {
  const dataDir = directory();
  const image = await loadTagged(await openImages({ dataDir }), ['a']);
  const there = [folder(dataDir, 'blobs/sha256'), folder(dataDir, 'layers')];
  const below = (...parts: string[]) => join(dataDir, 'images', ...parts);
  mkdirSync(below('incoming/load-x'));
  writeFileSync(below('incoming/load-x/0'), 'half');
  mkdirSync(below('layers/unpacking-y/etc'), { recursive: true });
  writeFileSync(below('layers/unpacking-z-half'), 'half an image');
  mkdirSync(below(`layers/removed-${'0'.repeat(64)}`));
  writeFileSync(below(`layers/removed-1-${'0'.repeat(64)}`), 'an image');
  writeFileSync(below(`layers/${'4'.repeat(64)}`), 'an orphan');
  mkdirSync(below(`layers/${'1'.repeat(64)}/orphan`), { recursive: true });
  writeFileSync(below(`blobs/sha256/${'2'.repeat(64)}`), 'orphan');
  writeFileSync(below(`blobs/sha256/${'3'.repeat(64)}.abcd.tmp`), 'half');
  writeFileSync(below('refs.json.tmp'), '{"version":1,"images":[');
  const images = await openImages({ dataDir });
  t.strictSame([folder(dataDir, 'blobs/sha256'), folder(dataDir, 'layers')], there);
  t.strictSame(folder(dataDir, 'incoming'), []);
  t.strictSame(await images.list(), [image]);
});

t.test('a layer that is missing is unpacked again, once for all who ask', async (t) => {
  const dataDir = directory();
  const images = await openImages({ dataDir });
  const image = await loadTagged(images, ['a']);
  const [lowest = ''] = await images.layers(image);
  rmSync(lowest, { recursive: true });
  await Promise.all([images.layers(image), images.layers(image), images.layers(image)]);
  t.equal(readFileSync(join(rootOf(lowest), 'shared'), 'utf8'), 's');
});

t.test('after the machine itself went down, only sound content is trusted', async (t) => {
  const dataDir = directory();
  const before = await openImages({ dataDir });
  const sound = await loadTagged(before, ['sound']);
  const [, damaged = ''] = [sound, (await loadTagged(before, ['damaged'])).digest];
  const [name = ''] = folder(dataDir, '').filter((each) => each.startsWith('not-yet-on-disk-'));
  t.not(name, '', 'content may still be in memory only');
  const mark = join(dataDir, 'images', name);
  writeFileSync(mark, 'an earlier boot');
  const [lowest = ''] = await before.layers(sound);
  writeFileSync(statSync(lowest).isFile() ? lowest : join(lowest, 'shared'), '');
  writeFileSync(join(dataDir, 'images/blobs/sha256', damaged.slice(7)), '');

  const warnings: string[] = [];
  const after = await openImages({
    dataDir,
    log: { warn: (message) => void warnings.push(message) },
  });
  t.strictSame(
    (await after.list()).map(({ tags }) => tags),
    [['docker.io/library/sound:latest']],
  );
  t.strictSame(warnings, ['image lost when the machine went down; load it again']);
  await after.layers(sound);
  t.equal(readFileSync(join(rootOf(lowest), 'shared'), 'utf8'), 's');
});

t.test('a damaged table is not taken for an empty one', async (t) => {
  const dataDir = directory();
  await openImages({ dataDir });
  writeFileSync(join(dataDir, 'images/refs.json'), '{"version":7}');
  await t.rejects(openImages({ dataDir }), {
    message: /refs\.json: it is damaged or of another version/,
  });
});

t.test('loads, tags and removals at the same time do not disturb each other', async (t) => {
  const dataDir = directory();
  const images = await openImages({ dataDir });
  await loadTagged(images, ['stays']);
  await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      await loadTagged(images, [`n${i}`]);
      await images.tag(`n${i}`, `kept${i}`);
      await images.remove(`n${i}`);
      if (i % 2 === 0) await images.remove(`kept${i}`);
    }),
  );
  const tags = (await images.list()).flatMap((image) => image.tags).sort();
  const name = (text: string) => `docker.io/library/${text}:latest`;
  t.strictSame(tags, ['kept1', 'kept3', 'kept5', 'kept7', 'stays'].map(name));
  for (const image of await images.list()) {
    for (const path of await images.layers(image)) t.ok(existsSync(path));
  }
  t.equal(folder(dataDir, 'layers').length, 6);
});

t.test('a layer that stands is taken as it is, though no image was known to have it', async (t) => {
  const dataDir = directory();
  const images = await openImages({ dataDir });
  const image = await loadTagged(images, ['a:1']);
  const layers = await images.layers(image);
  const saved = layers.map((path, i) => ({ path, away: join(dataDir, `saved-${i}`) }));
  for (const { path, away } of saved) renameSync(path, away);
  await images.remove('a:1');
  // As when a container stood on them while their image went.
  for (const { path, away } of saved) renameSync(away, path);
  const again = await loadTagged(images, ['a:1']);
  t.equal(again.digest, image.digest);
  t.strictSame(await images.layers(again), layers);
  t.strictSame(folder(dataDir, 'layers').length, layers.length, 'nothing half done is left');
});
