/** Sparse files in layers of both forms: their holes are no content, in the image, to a container and to a copy. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { forgetLayer, openLayers } from '#native/layer-mounts.ts';
import { openMerged, openWritable, writeTree } from '#native/layers.ts';
import { unpackLayerFile } from '#native/unpack.ts';
import { needsErofs } from '../support/erofs-layer.ts';
import { unpackBothForms } from '../support/layer-forms.ts';
import { needsRoot, scratch } from '../support/scratch.ts';
import { type TarEntry, tar } from '../support/tar-builder.ts';

needsRoot();
await needsErofs();
const limits = { maxBytes: 1 << 30, maxEntries: 1000 };
const options = { ...limits, tarDigests: 'sha256', form: 'erofs' } as const;
const emptyDirectory = scratch('erofs-sparse');
const gib = 2 ** 30;

/** A file of `size` bytes with a word at each offset. */
function sparseTar(size: number, offsets: readonly number[], format = 'posix'): Buffer {
  const from = emptyDirectory();
  const fd = openSync(join(from, 'file'), 'w');
  for (const at of offsets) writeSync(fd, `at ${at}`, at);
  closeSync(fd);
  truncateSync(join(from, 'file'), size);
  writeFileSync(join(from, 'next'), 'next');
  const flags = ['-cS', `--format=${format}`, '-C', from, 'file', 'next'];
  return spawnSync('tar', flags, { maxBuffer: 1 << 26 }).stdout;
}

/** Unpacks into an image; its path. */
async function imageOf(archive: Buffer): Promise<string> {
  const place = emptyDirectory();
  writeFileSync(join(place, 'archive'), archive);
  const image = join(place, 'image');
  await unpackLayerFile(join(place, 'archive'), image, options);
  return image;
}

/** Works in the mounted image. */
async function inImage<T>(image: string, work: (root: string) => T): Promise<T> {
  const opened = await openLayers([image]);
  try {
    return work(opened.paths[0] ?? '');
  } finally {
    opened.close();
    forgetLayer(image);
  }
}

const wordAt = (path: string, at: number, length: number): string => {
  const fd = openSync(path, 'r');
  const bytes = Buffer.alloc(length);
  readSync(fd, bytes, 0, length, at);
  closeSync(fd);
  return bytes.toString();
};

const cases: Readonly<Record<string, readonly [size: number, offsets: readonly number[]]>> = {
  'no content at all': [5 << 20, []],
  'content at both ends': [9 << 20, [0, (9 << 20) - 20]],
  'content across blocks': [1 << 20, [4090, 65_530, 131_072]],
  'a size that is no multiple': [1_000_001, [500_000]],
  'every other block': [1 << 20, Array.from({ length: 128 }, (_, i) => i * 8192)],
  'larger pieces than blocks': [600 << 20, [0, 4096 * 3, 300 << 20, (600 << 20) - 9]],
};
for (const [name, [size, offsets]] of Object.entries(cases)) {
  t.test(name, async (t) => {
    const where = { place: emptyDirectory(), base: emptyDirectory(), limits, name };
    t.equal(await unpackBothForms(t, sparseTar(size, offsets), where), undefined);
  });
}

/** Numbers that no octal field holds: PAX records, and GNU's base-256. */
for (const format of ['posix', 'gnu']) {
  t.test(
    `${format}: a file of a terabyte takes a few blocks, and its holes are told`,
    async (t) => {
      const size = 1024 * gib;
      const [middle, end] = [300 * gib + 17, size - 100];
      const image = await imageOf(sparseTar(size, [0, middle, end], format));
      t.ok(statSync(image).size < 100 << 20, `an image of ${statSync(image).size} bytes`);
      t.ok(statSync(image).blocks * 512 < 1 << 20, `${statSync(image).blocks * 512} on disk`);
      const checked = spawnSync('fsck.erofs', [image]);
      t.equal(checked.status ?? 0, 0, `${checked.stderr}`);
      await inImage(image, (root) => {
        const file = join(root, 'file');
        t.equal(statSync(file).size, size);
        for (const at of [0, middle, end]) t.equal(wordAt(file, at, 4), `at ${at}`.slice(0, 4));
        t.equal(wordAt(file, 5 * gib, 4), '\0\0\0\0');
        t.equal(readFileSync(join(root, 'next'), 'utf8'), 'next');
      });
    },
  );
}

t.test('holes stay holes in what is copied out, and in the layer above', async (t) => {
  const size = 2 * gib;
  const image = await imageOf(sparseTar(size, [1 << 20, gib]));
  const above = emptyDirectory();
  const [upper, work] = [join(above, 'upper'), join(above, 'work')];
  for (const one of [upper, work]) mkdirSync(one);
  const copy = join(above, 'copy.tar');
  await inImage(image, () => undefined);
  const opened = await openLayers([image]);
  try {
    const merged = openMerged(opened.paths);
    await writeTree({ root: merged, output: copy, sparse: true });
    closeSync(merged);
    t.ok(statSync(copy).size < 32 << 20, `an archive of ${statSync(copy).size} bytes`);
    const root = openWritable(opened.paths, { upper, work });
    const fd = openSync(`/proc/self/fd/${root}/file`, 'r+');
    writeSync(fd, 'changed', 5);
    closeSync(fd);
    closeSync(root);
  } finally {
    opened.close();
    forgetLayer(image);
  }
  const changed = statSync(join(upper, 'file'));
  t.equal(changed.size, size);
  t.ok(changed.blocks * 512 < 64 << 20, `${changed.blocks * 512} bytes were copied up`);
});

t.test('the same sparse archive gives the same image', async (t) => {
  const archive = sparseTar(64 << 20, [0, 33 << 20]);
  const [one, two] = [await imageOf(archive), await imageOf(archive)];
  t.ok(readFileSync(one).equals(readFileSync(two)));
});

t.test('a size beyond what can be counted is refused in both forms', async (t) => {
  const beyond: TarEntry = {
    name: 'file',
    pax: { 'GNU.sparse.size': `${2 ** 46}`, 'GNU.sparse.map': '0,1' },
    content: 'x',
  };
  const where = { place: emptyDirectory(), base: emptyDirectory(), limits, name: 'beyond' };
  t.match(await unpackBothForms(t, tar([beyond]), where), /ftruncate|write/);
});
