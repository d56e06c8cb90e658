/** Sparse files of every format, compressed layers with their digests, and archives put into a tree that is in use. */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import t from 'tap';
import { type ExtractOptions, extractInto, unpackLayer, unpackLayerFile } from '#native/unpack.ts';
import { pieces } from '../support/image-archives.ts';
import { hasErofs, sameInBothForms, unpackBothForms } from '../support/layer-forms.ts';
import { needsRoot, scratch } from '../support/scratch.ts';
import { type TarEntry, tar } from '../support/tar-builder.ts';

needsRoot();
const LIMITS = { maxBytes: 1 << 28, maxEntries: 1000 };
const emptyDirectory = scratch('unpack');

/** A file of 9 MiB with content in `count` places. */
function sparseFile(path: string, count: number): void {
  const fd = openSync(path, 'w');
  for (let i = 0; i < count; i++) writeSync(fd, `piece ${i}`, i * 65_536 + 17);
  closeSync(fd);
  truncateSync(path, 9 << 20);
}

t.test('sparse files of every format keep their content and their holes', async (t) => {
  const formats = ['gnu', 'posix 0.0', 'posix 0.1', 'posix 1.0'];
  for (const format of formats) {
    for (const count of [0, 1, 3, 60]) {
      const from = emptyDirectory();
      sparseFile(join(from, 'file'), count);
      writeFileSync(join(from, 'next'), 'next');
      const [kind = '', version] = format.split(' ');
      const flags = [`--format=${kind}`, ...(version ? [`--sparse-version=${version}`] : [])];
      const made = spawnSync('tar', ['-cS', ...flags, '-C', from, 'file', 'next']);
      if (hasErofs()) {
        const where = { place: emptyDirectory(), base: from, limits: LIMITS, name: format };
        t.equal(await unpackBothForms(t, made.stdout, where), undefined);
      }
      for (const size of [511, 1 << 20]) {
        const to = emptyDirectory();
        await unpackLayer(to, pieces(made.stdout, size), LIMITS);
        const [was, is] = [from, to].map((directory) => readFileSync(join(directory, 'file')));
        t.ok(was?.equals(is ?? Buffer.alloc(0)), `${format}, ${count} pieces`);
        t.equal(readFileSync(join(to, 'next'), 'utf8'), 'next');
        t.ok(statSync(join(to, 'file')).blocks * 512 < 1 << 20, 'holes stay holes');
      }
    }
  }
});

const map = (text: string): Buffer => Buffer.concat([Buffer.from(text), Buffer.alloc(512)]);
const pax1 = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '100' };
const badSparse: readonly (readonly [string, Partial<TarEntry>])[] = [
  ['no size', { pax: { 'GNU.sparse.map': '0,1' }, content: 'x' }],
  ['half a pair', { pax: { 'GNU.sparse.size': '9', 'GNU.sparse.map': '0' } }],
  ['no number', { pax: { 'GNU.sparse.size': '9', 'GNU.sparse.map': '0,x' }, content: 'x' }],
  ['beyond the end', { pax: { 'GNU.sparse.size': '9', 'GNU.sparse.map': '9,1' }, content: 'x' }],
  ['backwards', { pax: { 'GNU.sparse.size': '9', 'GNU.sparse.map': '5,1,4,1' }, content: 'xy' }],
  ['less content', { pax: { 'GNU.sparse.size': '9', 'GNU.sparse.map': '0,2' }, content: 'x' }],
  ['a wrap', { pax: { 'GNU.sparse.size': '9', 'GNU.sparse.map': '1,18446744073709551615' } }],
  ['a size beyond all', { pax: { 'GNU.sparse.size': '18446744073709551615' } }],
  ['a map of nothing', { pax: pax1, content: map('') }],
  ['a map cut short', { pax: pax1, content: map('3\n0\n1\n').subarray(0, 512) }],
  ['too many pieces', { pax: pax1, content: map('4000000000\n') }],
  ['format 2', { pax: { ...pax1, 'GNU.sparse.major': '2' } }],
];

t.test('a map of a sparse file that makes no sense is refused', async (t) => {
  for (const [name, entry] of badSparse) {
    const archive = tar([{ name: 'file', ...entry }]);
    const unpacking = unpackLayer(emptyDirectory(), pieces(archive, 700), LIMITS);
    await t.rejects(unpacking, { entry: 'file', message: /sparse file/ }, name);
    const where = { fresh: emptyDirectory, limits: LIMITS, name };
    await sameInBothForms(t, archive, where, /sparse file/);
  }
});

const sha = (algorithm: string, bytes: Buffer) =>
  `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;

t.test('a compressed file is unpacked with the digests of both forms', async (t) => {
  const noise = randomBytes(700_000);
  const plain = tar([
    { name: 'a', content: noise },
    { name: 'b', content: 'b'.repeat(100_000) },
  ]);
  const half = plain.length >> 1;
  const parts = [plain.subarray(0, half), plain.subarray(half)];
  const forms: Record<string, Buffer> = {
    plain,
    gzip: gzipSync(plain),
    'gzip members': Buffer.concat([...parts.map((part) => gzipSync(part)), Buffer.alloc(700)]),
    zstd: zstdCompressSync(plain),
    'zstd frames': Buffer.concat([
      Buffer.from('502a4d1804000000abcdef00', 'hex'),
      ...parts.map((part) => zstdCompressSync(part)),
    ]),
  };
  for (const [name, bytes] of Object.entries(forms)) {
    const to = emptyDirectory();
    const file = join(to, '../file');
    writeFileSync(file, bytes);
    const facts = await unpackLayerFile(file, to, {
      ...LIMITS,
      tarDigests: 'sha256',
      fileDigests: 'sha512',
    });
    t.match(facts, {
      bytes: 800_000,
      entries: 2,
      fileBytes: bytes.length,
      fileDigest: sha('sha512', bytes),
      tarBytes: plain.length,
      tarDigest: sha('sha256', plain),
    });
    t.ok(readFileSync(join(to, 'a')).equals(noise), name);
  }
});

t.test('damaged, endless and unknown compression is refused', async (t) => {
  const zeros = tar([{ name: 'a', content: Buffer.alloc(1 << 20) }]);
  const gz = gzipSync(zeros);
  const flip = (bytes: Buffer, at: number) => {
    const copy = Buffer.from(bytes);
    copy[copy.length - at] = (copy.at(-at) ?? 0) ^ 0xff;
    return copy;
  };
  const bad: readonly (readonly [string, Buffer, RegExp])[] = [
    ['cut gzip', gz.subarray(0, gz.length - 9), /end too early/],
    ['cut in the trailer', gz.subarray(0, gz.length - 3), /end too early/],
    ['a wrong gzip checksum', flip(gz, 6), /gzip/],
    ['garbage behind gzip', Buffer.concat([gz, Buffer.from('garbage garbage garbage')]), /gzip/],
    ['cut zstd', zstdCompressSync(zeros).subarray(0, -3), /end too early/],
    ['xz', Buffer.from('fd377a585a000000', 'hex'), /compressed with xz; only gzip and zstd/],
    ['bzip2', Buffer.from('BZh91AY&SY'), /compressed with bzip2/],
    ['a bomb', gzipSync(tar([{ name: 'b', size: 2 ** 32, content: '' }])), /more than 1048576 by/],
    ['many entries', gzipSync(tar(Array(1001).fill({ name: 'd/', type: '5' }))), /than 1000 ent/],
  ];
  for (const [name, bytes, why] of bad) {
    const to = emptyDirectory();
    writeFileSync(join(to, '../file'), bytes);
    const limits = { maxBytes: 1 << 20, maxEntries: 1000 };
    const unpacking = unpackLayerFile(join(to, '../file'), to, { ...limits, tarDigests: 'sha256' });
    await t.rejects(unpacking, { message: why }, name);
    await sameInBothForms(t, bytes, { fresh: emptyDirectory, limits, name }, why);
  }
});

async function extracted(
  root: string,
  entries: readonly TarEntry[],
  options?: Partial<ExtractOptions>,
) {
  return extractInto({ root, path: '/', ...LIMITS, ...options }, pieces(tar(entries), 700));
}

t.test('extracting replaces what stands in the way and merges directories', async (t) => {
  const root = emptyDirectory();
  mkdirSync(join(root, 'app/full/er'), { recursive: true });
  writeFileSync(join(root, 'app/old'), 'old');
  writeFileSync(join(root, 'app/full/er/x'), 'x');
  symlinkSync('/etc/passwd', join(root, 'app/link'));
  symlinkSync('/app', join(root, 'here'));
  await extracted(
    root,
    [
      { name: './', type: '5', mode: 0o700 },
      { name: 'old', content: 'new', uid: 5, gid: 6 },
      { name: 'link', content: 'a file now' },
      { name: 'full', content: 'no directory any more' },
      { name: '.wh.old', content: 'only a name' },
    ],
    { path: '/here' },
  );
  const app = join(root, 'app');
  t.strictSame(readdirSync(app).sort(), ['.wh.old', 'full', 'link', 'old']);
  t.equal(readFileSync(join(app, 'old'), 'utf8'), 'new');
  t.match(statSync(join(app, 'old')), { uid: 5, gid: 6 });
  t.equal(statSync(app).mode & 0o777, 0o755, 'the place itself stays as it is');
  await extracted(root, [{ name: 'app/', type: '5', mode: 0o711 }, { name: 'app/more' }]);
  t.equal(statSync(app).mode & 0o777, 0o711, 'a directory of the archive gives its attributes');
  t.ok(existsSync(join(app, 'old')));
});

t.test('kinds are kept when asked for, and owners are given or moved', async (t) => {
  const root = emptyDirectory();
  mkdirSync(join(root, 'd'));
  writeFileSync(join(root, 'f'), '');
  const keep = { keepKinds: true };
  await t.rejects(extracted(root, [{ name: 'd' }], keep), { entry: 'd', message: /a directory/ });
  await t.rejects(extracted(root, [{ name: 'f/', type: '5' }], keep), {
    message: /something else/,
  });
  await extracted(root, [{ name: 'f', content: 'x', uid: 9 }], { ...keep, uid: 3, gid: 4 });
  t.match(statSync(join(root, 'f')), { uid: 3, gid: 4, size: 1 });
  const ids = [{ inside: 0, outside: 100_000, count: 1000 }];
  await extracted(root, [{ name: 'm', uid: 7, gid: 8 }], { uids: ids, gids: ids });
  t.match(statSync(join(root, 'm')), { uid: 100_007, gid: 100_008 });
  const beyond = extracted(root, [{ name: 'n', uid: 2000 }], { uids: ids, gids: ids });
  await t.rejects(beyond, { message: /2000:0 has no number in the container's user namespace/ });
});

t.test('no link inside the root leads an archive out of it', async (t) => {
  const root = emptyDirectory();
  mkdirSync(join(root, 'etc'));
  symlinkSync('../../../../../../etc', join(root, 'up'));
  symlinkSync('/proc/self/root', join(root, 'magic'));
  await extracted(root, [{ name: 'in' }], { path: 'up' });
  t.ok(lstatSync(join(root, 'etc/in')).isFile(), 'the link is followed inside');
  await extracted(root, [{ name: 'l', type: '2', link: '/etc' }, { name: 'l/through' }]);
  t.equal(readlinkSync(join(root, 'l')), '/etc');
  t.ok(existsSync(join(root, 'etc/through')));
  await t.rejects(extracted(root, [{ name: 'x' }], { path: 'magic/tmp' }));
  await t.rejects(extracted(root, [{ name: '../x' }], { path: 'etc' }), { message: /'\.\.'/ });
  t.strictSame(readdirSync(join(root, '..')), ['here']);
});
