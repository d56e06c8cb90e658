/** Layers as directories and as files with an EROFS image: whoever reads them sees the same. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { forgetLayer, isLayerFileOpen, openLayers } from '#native/layer-mounts.ts';
import { listChanges, openMerged, openWritable, writeLayer, writeTree } from '#native/layers.ts';
import { imageFrom, needsErofs } from '../support/erofs-layer.ts';
import { changedBy, layerOf } from '../support/overlay.ts';
import { needsRoot, scratch } from '../support/scratch.ts';
import type { TarEntry } from '../support/tar-builder.ts';

needsRoot();
await needsErofs();
const emptyDirectory = scratch('open-layer');
const own = '/proc/self/fd';

const lower: readonly TarEntry[] = [
  { name: 'etc/', type: '5' },
  { name: 'etc/motd', content: 'hello', mode: 0o640, uid: 7 },
  { name: 'etc/old', content: 'old' },
  { name: 'etc/link', type: '2', link: 'motd' },
  { name: 'usr/', type: '5' },
  { name: 'usr/lib/', type: '5' },
  { name: 'usr/lib/a', content: 'a' },
];
const upper: readonly TarEntry[] = [
  { name: 'etc/', type: '5' },
  { name: 'etc/.wh.old' },
  { name: 'usr/', type: '5' },
  { name: 'usr/lib/', type: '5' },
  { name: 'usr/lib/.wh..wh..opq' },
  { name: 'usr/lib/c', content: 'c' },
];

/** Two layers, the topmost first, as directories. */
async function directories(): Promise<readonly string[]> {
  const parent = emptyDirectory();
  return [await layerOf(parent, 'upper', upper), await layerOf(parent, 'lower', lower)];
}

/** The same as images. */
async function images(): Promise<readonly string[]> {
  const parent = emptyDirectory();
  return [await imageFrom(parent, 'upper', upper), await imageFrom(parent, 'lower', lower)];
}

/** What the merged layers are, as the digest of an archive. */
async function digestOf(layers: readonly string[]): Promise<string> {
  const root = openMerged(layers);
  try {
    const output = join(emptyDirectory(), 'tar');
    return (await writeTree({ root, output, digests: 'sha256', times: 'seconds' })).digest;
  } finally {
    closeSync(root);
  }
}

const descriptors = () => readdirSync(own).length;
const mounts = () =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - (erofs|overlay) /.test(line));

t.test('merged, the forms show the same, one by one and together', async (t) => {
  const [top = '', bottom = ''] = await directories();
  const [topImage = '', bottomImage = ''] = await images();
  const wanted = await digestOf([top, bottom]);
  t.equal(await digestOf([topImage, bottomImage]), wanted);
  t.equal(await digestOf([topImage, bottom]), wanted);
  t.equal(await digestOf([top, bottomImage]), wanted);
  t.equal(await digestOf([bottomImage]), await digestOf([bottom]));
});

t.test('what a container changed is the same over both', async (t) => {
  const lowers = await directories();
  const script = 'echo x > etc/motd; rm usr/lib/c; mkdir etc/new; rm etc/link';
  const changed = changedBy(script, lowers, emptyDirectory());
  if (changed === undefined) return t.pass('skipped', { skip: 'needs an overlay mount in /tmp' });
  const same = await images();
  const list = await listChanges(changed.upper, lowers);
  t.ok(list.length > 4);
  t.strictSame(await listChanges(changed.upper, same), list);
  const layer = async (lowers: readonly string[]) => {
    const output = join(emptyDirectory(), 'tar');
    return (await writeLayer({ upper: changed.upper, lowers, output, digests: 'sha256' })).digest;
  };
  t.equal(await layer(same), await layer(lowers));
});

t.test('a container at rest is written over an image', async (t) => {
  const [layer = ''] = await images();
  const place = emptyDirectory();
  const [upperDir, workDir] = [join(place, 'upper'), join(place, 'work')];
  for (const path of [upperDir, workDir]) mkdirSync(path);
  const root = openWritable([layer], { upper: upperDir, work: workDir });
  writeFileSync(`${own}/${root}/etc/written`, 'w');
  closeSync(root);
  t.equal(readFileSync(join(upperDir, 'etc/written'), 'utf8'), 'w');
});

t.test('a damaged image is named, and what to do', async (t) => {
  const [layer = '', sound = ''] = await images();
  writeFileSync(layer, 'x'.repeat(8192));
  const wanted = {
    name: 'NativeError',
    path: layer,
    message: new RegExp(`mount ${layer}: .*pull or load it again`),
  };
  t.throws(() => openMerged([layer, sound]), wanted);
  t.throws(() => openMerged([layer]), wanted);
  await t.rejects(openLayers([sound, layer]), wanted);
  await t.rejects(listChanges(emptyDirectory(), [layer]), wanted);
  writeFileSync(layer, '');
  t.throws(() => openMerged([layer]), wanted);
});

t.test('what is neither, or is not there, is refused', async (t) => {
  const parent = emptyDirectory();
  const missing = [join(parent, 'missing')];
  t.strictSame((await openLayers(missing)).paths, missing, 'left to who uses it');
  t.throws(() => openMerged(['/dev/null']), { code: 'ENOTDIR', path: '/dev/null' });
  t.throws(() => openMerged([join(parent, 'missing'), parent]), { code: 'ENOENT' });
});

t.test(
  'an opened layer is read by others through its path, and not after it was closed',
  async (t) => {
    const [, bottom = ''] = await directories();
    const layers = [bottom, (await images())[0] ?? ''];
    const opened = await openLayers(layers);
    t.equal(opened.paths[0], bottom, 'a directory stays as it is named');
    const path = opened.paths[1] ?? '';
    t.match(path, new RegExp(`^/proc/${process.pid}/fd/\\d+$`));
    t.equal(readFileSync(`${path}/usr/lib/c`, 'utf8'), 'c');
    opened.close();
    t.notOk(existsSync(path));
  },
);

t.test('one mount serves all; it ends when it is forgotten and nobody has it', async (t) => {
  const [layer = ''] = await images();
  const before = mounts();
  t.notOk(isLayerFileOpen(layer));
  const first = openMerged([layer]);
  const second = openMerged([layer]);
  const device = (fd: number) =>
    /mnt_id:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
  t.equal(device(first), device(second));
  t.strictSame(mounts(), before, 'no mount is to be seen');
  forgetLayer(layer);
  t.ok(isLayerFileOpen(layer), 'who has a descriptor keeps it');
  closeSync(first);
  rmSync(layer);
  t.equal(readFileSync(`${own}/${second}/usr/lib/c`, 'utf8'), 'c', 'also when the file is gone');
  closeSync(second);
});

t.test('a file nobody has open is told from one that somebody has', async (t) => {
  const [layer = ''] = await images();
  const directory = emptyDirectory();
  closeSync(openMerged([layer]));
  t.ok(isLayerFileOpen(layer), 'mounted for the next who wants it');
  forgetLayer(layer);
  t.notOk(isLayerFileOpen(layer));
  t.notOk(isLayerFileOpen(directory));
  t.notOk(isLayerFileOpen(join(directory, 'missing')));
  forgetLayer(join(directory, 'missing'));
});

t.test('nothing is left of many that come and go', async (t) => {
  const layers = await images();
  const empty = emptyDirectory();
  const round = async () => {
    const opened = await openLayers(layers);
    closeSync(openMerged(layers));
    await listChanges(empty, layers);
    opened.close();
    for (const layer of layers) forgetLayer(layer);
    return layers.some(isLayerFileOpen);
  };
  await round();
  const before = [descriptors(), mounts()];
  let open = 0;
  for (let i = 0; i < 200; i++) if (await round()) open++;
  t.strictSame([descriptors(), mounts(), open], [...before, 0]);
});
