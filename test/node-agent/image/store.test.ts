/** What is kept, found, named and removed, also over crashes. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openImages } from '#node-agent/image/image-store.ts';
import type { Images, LocalImage } from '#node-agent/image/images.ts';
import { dockerArchive, layer, pieces } from '../../support/image-archives.ts';
import { tar } from '../../support/tar-builder.ts';

if (process.getuid?.() !== 0) {
  t.pass('skipped', { skip: 'needs root' });
  process.exit();
}

const base = mkdtempSync(join(tmpdir(), 'images-network-store-'));
t.teardown(() => rmSync(base, { recursive: true }));
let number = 0;
const emptyDir = () => join(base, String(number++));

const shared = layer('shared', 's');

async function load(images: Images, tags: string[], content = tags.join()): Promise<LocalImage> {
  const entries = dockerArchive([{ layers: [shared, layer('own', content)], tags }]);
  const [loaded] = await images.load(pieces(tar(entries)));
  if (loaded === undefined) throw new Error('nothing was loaded');
  return loaded;
}

const folder = (dataDir: string, name: string) => readdirSync(join(dataDir, 'images', name)).sort();

t.test('an image is found by every name it goes by', async (t) => {
  const images = await openImages({ dataDir: emptyDir() });
  const hub = await load(images, ['busybox:1.36', 'team/app']);
  const ours = await load(images, ['bayplan.local/busybox:latest']);
  const port = await load(images, ['localhost:5000/x/y:v1']);
  const id = async (reference: string) => (await images.find(reference))?.id;
  t.equal(await id('busybox:1.36'), hub.id);
  t.equal(await id('docker.io/library/busybox:1.36'), hub.id);
  t.equal(await id('index.docker.io/library/busybox:1.36'), hub.id);
  t.equal(await id('team/app'), hub.id);
  t.equal(await id('docker.io/team/app:latest'), hub.id);
  t.equal(await id('bayplan.local/busybox:latest'), ours.id);
  t.equal(await id('bayplan.local/busybox'), ours.id);
  t.equal(await id('busybox'), ours.id, 'a short name is looked for among the local ones, too');
  t.equal(await id('localhost:5000/x/y:v1'), port.id);
  t.equal(await id(hub.id), hub.id);
  t.equal(await id(hub.id.slice(7)), hub.id);
  t.equal(await id(hub.id.slice(7, 19)), hub.id);
  t.equal(await id(`team/app@${hub.digest}`), hub.id);
  t.equal(await id(`team/app:other@${hub.digest}`), hub.id);
  t.equal(await id('busybox:2'), undefined);
  t.equal(await id('team/busybox'), undefined);
  t.equal(await id('x/y:v1'), undefined);
  t.equal(await id(`team/app@sha256:${'0'.repeat(64)}`), undefined);
  t.equal((await images.list()).length, 3);
});

t.test('what is no reference is refused with how to write one', async (t) => {
  const images = await openImages({ dataDir: emptyDir() });
  const bad = [
    '',
    'Upper',
    'a/B',
    'a b',
    'name:',
    ':tag',
    'a//b',
    '../x',
    'x@sha256:12',
    `${'a'.repeat(300)}`,
    '-x',
    'a:b:c',
  ];
  for (const reference of bad) {
    await t.rejects(
      images.find(reference),
      {
        name: 'ImageError',
        code: 'InvalidReference',
        message: /write it as \[registry\/\]name/,
      },
      reference,
    );
  }
  await load(images, ['a'], '1');
  await t.rejects(images.tag('a', `b@sha256:${'0'.repeat(64)}`), { code: 'InvalidReference' });
  await t.rejects(images.tag('missing', 'b'), { code: 'NotFound' });
});

t.test('the start of an ID that fits several is refused', async (t) => {
  const images = await openImages({ dataDir: emptyDir() });
  for (let i = 0; i < 17; i++) await load(images, [`n${i}`]);
  const ids = (await images.list()).map(({ id }) => id.slice(7, 8));
  const double = ids.find((first, i) => ids.indexOf(first) !== i) ?? '';
  await t.rejects(images.find(`sha256:${double}`), { code: 'Ambiguous' });
});

t.test('a tag belongs to one image; taking it away leaves the other without', async (t) => {
  const images = await openImages({ dataDir: emptyDir() });
  const old = await load(images, ['app'], 'old');
  const young = await load(images, ['app'], 'young');
  t.equal((await images.find('app'))?.id, young.id);
  t.strictSame((await images.find(old.id))?.tags, []);
  await images.tag(old.id, 'app:old');
  await images.tag('app:old', 'app');
  t.strictSame((await images.find('app'))?.tags, [
    'docker.io/library/app:old',
    'docker.io/library/app:latest',
  ]);
  t.strictSame((await images.find(young.id))?.tags, []);
});

t.test('content goes when the last reference to it goes', async (t) => {
  const dataDir = emptyDir();
  const images = await openImages({ dataDir });
  await load(images, ['a', 'a:2']);
  const b = await load(images, ['b']);
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
  const dataDir = emptyDir();
  const images = await openImages({ dataDir });
  const [, own = ''] = await images.layers(await load(images, ['a']));
  const mountPoint = join(base, 'mounted');
  const other = join(base, 'other-layer');
  mkdirSync(mountPoint);
  mkdirSync(other);
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=${own}:${other}`, mountPoint]);
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
  const dataDir = emptyDir();
  const before = await openImages({ dataDir });
  const image = await load(before, ['a', 'b']);
  const after = await openImages({ dataDir });
  t.strictSame(await after.list(), [image]);
  t.strictSame(await after.layers(image), await before.layers(image));
});

t.test('what a crash left half done is removed at the next start', async (t) => {
  const dataDir = emptyDir();
  const image = await load(await openImages({ dataDir }), ['a']);
  const there = [folder(dataDir, 'blobs/sha256'), folder(dataDir, 'layers')];
  const below = (...parts: string[]) => join(dataDir, 'images', ...parts);
  mkdirSync(below('incoming/load-x'));
  writeFileSync(below('incoming/load-x/0'), 'half');
  mkdirSync(below('layers/unpacking-y/etc'), { recursive: true });
  mkdirSync(below(`layers/removed-${'0'.repeat(64)}`));
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
  const dataDir = emptyDir();
  const images = await openImages({ dataDir });
  const image = await load(images, ['a']);
  const [lowest = ''] = await images.layers(image);
  rmSync(lowest, { recursive: true });
  await Promise.all([images.layers(image), images.layers(image), images.layers(image)]);
  t.equal(readFileSync(join(lowest, 'shared'), 'utf8'), 's');
});

t.test('after the machine itself went down, only sound content is trusted', async (t) => {
  const dataDir = emptyDir();
  const before = await openImages({ dataDir });
  const sound = await load(before, ['sound']);
  const [, damaged = ''] = [sound, (await load(before, ['damaged'])).digest];
  const mark = join(dataDir, 'images/not-yet-on-disk');
  t.ok(existsSync(mark), 'content may still be in memory only');
  writeFileSync(mark, 'an earlier boot');
  const [lowest = ''] = await before.layers(sound);
  writeFileSync(join(lowest, 'shared'), '');
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
  t.equal(readFileSync(join(lowest, 'shared'), 'utf8'), 's');
});

t.test('a damaged table is not taken for an empty one', async (t) => {
  const dataDir = emptyDir();
  await openImages({ dataDir });
  writeFileSync(join(dataDir, 'images/refs.json'), '{"version":7}');
  await t.rejects(openImages({ dataDir }), {
    message: /refs\.json: it is damaged or of another version/,
  });
});

t.test('loads, tags and removals at the same time do not disturb each other', async (t) => {
  const dataDir = emptyDir();
  const images = await openImages({ dataDir });
  await load(images, ['stays']);
  await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      await load(images, [`n${i}`]);
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
