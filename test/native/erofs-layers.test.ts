/** Layers as EROFS images hold what the same archives give as directories. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { forgetLayer, openLayers } from '#native/layer-mounts.ts';
import { unpackLayerFile } from '#native/unpack.ts';
import { hasErofs, unpackBothForms } from '../support/layer-forms.ts';
import { needsRoot, scratch } from '../support/scratch.ts';
import { type TarEntry, tar } from '../support/tar-builder.ts';

needsRoot();
if (!hasErofs()) {
  t.pass('skipped', { skip: 'needs a kernel with EROFS from files' });
  process.exit();
}
t.setTimeout(120_000);
const limits = { maxBytes: 1 << 30, maxEntries: 200_000 };
const emptyDirectory = scratch('erofs-layers');

/** What is below the layer. */
const base = emptyDirectory();
for (const name of ['d', 'd/sub', 'e', 'opaque']) mkdirSync(join(base, name));
for (const name of ['d/below', 'd/sub/below', 'e/below', 'opaque/below'])
  writeFileSync(join(base, name), name);

const long = 'n'.repeat(200);
const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const some: Readonly<Record<string, readonly TarEntry[]>> = {
  nothing: [],
  'files of every size': [0, 1, 511, 512, 4095, 4096, 4097, 70_000, 1 << 20].map((size) => ({
    name: `f${size}`,
    content: Buffer.alloc(size, size % 251),
  })),
  'owners, modes and times': [
    { name: './', type: '5', mode: 0o700, uid: 3, gid: 4, mtime: 12 },
    { name: 'suid', content: 'x', mode: 0o4755, uid: 1000, gid: 65_534 },
    { name: 'sticky/', type: '5', mode: 0o1777 },
    { name: 'fine', content: 'x', pax: { mtime: '1234567890.123456789' } },
    { name: 'before', content: 'x', pax: { mtime: '-5.5' } },
  ],
  'links of both kinds': [
    { name: 'a', content: 'one' },
    { name: 'b', type: '1', link: 'a' },
    { name: 'd/c', type: '1', link: './b' },
    { name: 's', type: '2', link: 'd/c' },
    { name: 'long', type: '2', pax: { linkpath: `${'x/'.repeat(2000)}y` } },
    { name: 'longest', type: '2', pax: { linkpath: 'z'.repeat(4090) } },
    { name: 'h', type: '1', link: 's' },
  ],
  'devices and fifos': [
    { name: 'null', type: '3', device: [1, 3] },
    { name: 'disk', type: '4', device: [259, 2_000] },
    { name: 'fifo', type: '6', mode: 0o600 },
  ],
  'what is hidden': [
    { name: 'd/', type: '5' },
    { name: 'd/.wh.below' },
    { name: 'd/.wh.sub' },
    { name: 'd/sub/', type: '5' },
    { name: 'd/sub/new', content: 'new' },
    { name: 'e/.wh.below' },
    { name: 'e/below', content: 'again' },
    { name: 'opaque/new', content: 'x' },
    { name: 'opaque/.wh..wh..opq' },
    { name: '.wh..wh.plnk/1', content: 'aufs' },
  ],
  'paths through links and without their directories': [
    { name: 'usr/bin/', type: '5' },
    { name: 'bin', type: '2', link: 'usr/bin' },
    { name: 'bin/sh', content: 'sh' },
    { name: 'up', type: '2', link: 'usr/bin/../bin/.' },
    { name: 'up/more', content: 'more' },
    { name: 'not/there/yet', content: 'x' },
  ],
  'odd names': [
    { name: 'x', pax: { path: 'ü\u0001\n-' } },
    { name: '-a' },
    { name: '!b' },
    { name: '...' },
    { name: '~' },
    { name: 'x', pax: { path: 'n'.repeat(255) } },
    { name: 'x', pax: { path: `${`${long}/`.repeat(10)}deep` } },
  ],
  attributes: [
    {
      name: 'capable',
      content: 'x',
      pax: { 'SCHILY.xattr.security.capability': capability },
    },
    {
      name: 'many',
      content: 'x',
      pax: Object.fromEntries(
        Array.from({ length: 30 }, (_, i) => [`SCHILY.xattr.user.${i}`, 'v'.repeat(i)]),
      ),
    },
    { name: 'l', type: '2', link: 'x', pax: { 'SCHILY.xattr.user.skipped': '1' } },
    { name: 'd/', type: '5', pax: { 'SCHILY.xattr.trusted.overlay.opaque': 'y' } },
    { name: 'd/', type: '5', pax: { 'SCHILY.xattr.trusted.own': 'y' } },
    { name: 'none', pax: { 'SCHILY.xattr.nobody.knows': '1' } },
  ],
  'a directory of many names': Array.from({ length: 30_000 }, (_, i) => ({
    name: `many/${'x'.repeat(i % 60)}${i}`,
  })),
};

for (const [name, entries] of Object.entries(some)) {
  t.test(name, async (t) => {
    const place = emptyDirectory();
    t.equal(await unpackBothForms(t, tar(entries), { place, base, limits, name }), undefined);
  });
}

const refused: Readonly<Record<string, readonly TarEntry[]>> = {
  'a path twice': [{ name: 'a' }, { name: 'a' }],
  'a file where a directory is': [{ name: 'a/', type: '5' }, { name: 'a' }],
  'a directory where a file is': [{ name: 'a' }, { name: 'a/', type: '5' }],
  'a path through a file': [{ name: 'a' }, { name: 'a/b' }],
  'a path through a device': [{ name: 'a', type: '3', device: [1, 3] }, { name: 'a/b' }],
  'a link out': [{ name: 'l', type: '2', link: '../x' }, { name: 'l/b' }],
  'an absolute link': [{ name: 'l', type: '2', link: '/' }, { name: 'l/b' }],
  'a link to nothing': [{ name: 'l', type: '2', link: 'x' }, { name: 'l/b' }],
  'a loop': [
    { name: 'l', type: '2', link: 'm' },
    { name: 'm', type: '2', link: 'l' },
    { name: 'l/b' },
  ],
  'a hard link to nothing': [{ name: 'h', type: '1', link: 'x' }],
  'a hard link to itself': [{ name: 'h', type: '1', link: 'h' }],
  'a hard link to a directory': [
    { name: 'd/', type: '5' },
    { name: 'h', type: '1', link: 'd' },
  ],
  'a hard link through a link out': [
    { name: 'l', type: '2', link: '..' },
    { name: 'h', type: '1', link: 'l/x' },
  ],
  'an owner beyond all': [{ name: 'a', pax: { uid: '4294967295' } }],
  'a name that is too long': [{ name: 'x', pax: { path: 'n'.repeat(256) } }],
  'a directory whose name is too long': [{ name: 'x', pax: { path: `${'n'.repeat(256)}/x` } }],
  'a device beyond all': [{ name: 'c', type: '3', device: [4096, 1] }],
  'a device with too high a second number': [{ name: 'b', type: '4', device: [1, 1 << 20] }],
  'an empty link': [{ name: 'l', type: '2' }],
  'a whiteout of nothing': [{ name: '.wh.' }],
  'a type nobody knows': [{ name: 'a', type: 'Z' }],
};

t.test('what is refused', async (t) => {
  for (const [name, entries] of Object.entries(refused)) {
    const place = emptyDirectory();
    t.ok(await unpackBothForms(t, tar(entries), { place, base, limits, name }), name);
  }
});

t.test('a directory twice has the last time, in both forms', async (t) => {
  const place = emptyDirectory();
  const [file, directory, image] = ['file', 'directory', 'image'].map((one) => join(place, one));
  mkdirSync(directory as string);
  const twice = [5, 9].map((mtime) => ({ name: 'd/', type: '5', mode: 0o700 + mtime, mtime }));
  writeFileSync(file as string, tar([...twice, { name: 'd/f', mtime: 1 }]));
  const options = { ...limits, tarDigests: 'sha256' } as const;
  await unpackLayerFile(file as string, directory as string, options);
  await unpackLayerFile(file as string, image as string, { ...options, form: 'erofs' });
  const opened = await openLayers([image as string]);
  try {
    for (const root of [directory, opened.paths[0]]) {
      t.match(statSync(join(root as string, 'd')), { mtimeMs: 9000, mode: 0o40_711 });
    }
  } finally {
    opened.close();
  }
  forgetLayer(image as string);
});

t.test('more attributes than an inode can have are refused', async (t) => {
  const place = emptyDirectory();
  const many = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`SCHILY.xattr.user.${i}`, 'v'.repeat(60_000)]),
    );
  const unpack = (count: number) => {
    writeFileSync(join(place, 'file'), tar([{ name: 'f', pax: many(count) }]));
    const options = { ...limits, form: 'erofs', tarDigests: 'sha256' } as const;
    return unpackLayerFile(join(place, 'file'), join(place, `image${count}`), options);
  };
  t.match(await unpack(4), { entries: 2 });
  await t.rejects(unpack(5), { code: 'ENOSPC', syscall: 'setxattr', entry: 'f' });
});

t.test('random damage is taken or refused alike', async (t) => {
  const whole = tar([...(some['what is hidden'] ?? []), ...(some['attributes'] ?? [])]);
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  for (let round = 0; round < 150; round++) {
    const bad = Buffer.from(whole);
    for (let i = 0; i <= random(3); i++) bad[random(bad.length)] = random(256);
    const place = emptyDirectory();
    await unpackBothForms(t, bad, { place, base, limits, name: `round ${round}` });
  }
});

t.test('the same archive gives the same image; what cannot be made is told', async (t) => {
  const archive = tar(
    Object.values(some)
      .flat()
      .slice(0, 60)
      .map((entry, i) => ({ ...entry, name: `n${i}`, type: '0' })),
  );
  const place = emptyDirectory();
  const [plain, packed] = [join(place, 'plain'), join(place, 'packed')];
  writeFileSync(plain, archive);
  writeFileSync(packed, gzipSync(archive));
  const digests = [];
  for (const [file, image] of [
    [plain, 'one'],
    [packed, 'two'],
  ] as const) {
    const path = join(place, image);
    await unpackLayerFile(file, path, { ...limits, form: 'erofs', tarDigests: 'sha256' });
    t.equal(statSync(path).mode & 0o777, 0o600);
    digests.push(createHash('sha256').update(readFileSync(path)).digest('hex'));
  }
  t.equal(digests[0], digests[1]);
  await t.rejects(
    unpackLayerFile(plain, join(place, 'one'), { ...limits, form: 'erofs', tarDigests: 'sha256' }),
    { code: 'EEXIST' },
  );
});

t.test('what would fill the memory is for a directory', async (t) => {
  const place = emptyDirectory();
  const [file, image] = [join(place, 'archive'), join(place, 'image')];
  const link = 'x'.repeat(4000);
  const many = Array.from({ length: 68_000 }, (_, i) => ({
    name: `${i}`,
    type: '2',
    pax: { linkpath: link },
  }));
  writeFileSync(file, gzipSync(tar(many), { level: 1 }));
  await t.rejects(
    unpackLayerFile(file, image, { ...limits, form: 'erofs', tarDigests: 'sha256' }),
    { code: 'EFBIG' },
  );
});
