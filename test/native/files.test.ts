/** Unpacking layers. Owners, devices and `trusted.` attributes need root. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { getXattr, setXattr, spreadChildren, syncFs } from '#native/files.ts';
import { unpackLayer } from '#native/unpack.ts';
import { pieces } from '../support/image-archives.ts';
import { needsRoot, scratch } from '../support/scratch.ts';
import { type TarEntry, tar } from '../support/tar-builder.ts';

needsRoot();
const LIMITS = { maxBytes: 1 << 20, maxEntries: 1000 };
const emptyDirectory = scratch('files');

async function unpacked(entries: readonly TarEntry[], pieceSize = 4096): Promise<string> {
  const directory = emptyDirectory();
  await unpackLayer(directory, pieces(tar(entries), pieceSize), LIMITS);
  return directory;
}

function isWhiteout(path: string): boolean {
  const stats = lstatSync(path);
  return stats.isCharacterDevice() && stats.rdev === 0;
}

t.test('files, directories, links and devices get all that the archive says', async (t) => {
  const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
  const entries: TarEntry[] = [
    { name: './', type: '5', mode: 0o711 },
    { name: 'etc/', type: '5', mode: 0o750, uid: 7, gid: 8, mtime: 1_000_000 },
    { name: 'etc/motd', content: 'hello', mode: 0o640, uid: 1, gid: 2, mtime: 1_500_000_000 },
    {
      name: 'bin/ping',
      content: 'x',
      mode: 0o4755,
      pax: { 'SCHILY.xattr.security.capability': capability },
    },
    { name: 'etc/link', type: '2', link: '../motd', uid: 3, gid: 4, mtime: 1_400_000_000 },
    { name: 'etc/hard', type: '1', link: './etc/motd' },
    { name: 'dev/null', type: '3', mode: 0o666, device: [1, 3] },
    { name: 'dev/fifo', type: '6', mode: 0o600 },
    { name: 'tmp', type: '5', mode: 0o1777 },
    { name: 'old-directory/', type: '0' },
  ];
  for (const pieceSize of [1, 511, 4096, 1 << 20]) {
    const root = await unpacked(entries, pieceSize);
    t.equal(statSync(root).mode & 0o7777, 0o711);
    t.match(statSync(join(root, 'etc')), { uid: 7, gid: 8, mtimeMs: 1_000_000_000 });
    t.equal(statSync(join(root, 'etc')).mode & 0o7777, 0o750);
    const motd = statSync(join(root, 'etc/motd'));
    t.match(motd, { uid: 1, gid: 2, mtimeMs: 1_500_000_000_000, size: 5, nlink: 2 });
    t.equal(readFileSync(join(root, 'etc/hard'), 'utf8'), 'hello');
    t.equal(statSync(join(root, 'bin/ping')).mode & 0o7777, 0o4755);
    t.strictSame(getXattr(join(root, 'bin/ping'), 'security.capability'), capability);
    t.equal(statSync(join(root, 'bin')).mode & 0o777, 0o755, 'left out, made all the same');
    t.equal(readlinkSync(join(root, 'etc/link')), '../motd');
    t.match(lstatSync(join(root, 'etc/link')), { uid: 3, gid: 4, mtimeMs: 1_400_000_000_000 });
    t.equal(lstatSync(join(root, 'dev/null')).rdev, 259);
    t.ok(lstatSync(join(root, 'dev/fifo')).isFIFO());
    t.equal(statSync(join(root, 'tmp')).mode & 0o7777, 0o1777);
    t.ok(statSync(join(root, 'old-directory')).isDirectory());
  }
});

t.test('PAX records and GNU long names replace what the header has', async (t) => {
  const long = `${'d'.repeat(120)}/${'f'.repeat(150)}`;
  const root = await unpacked([
    { name: 'short', content: 'pax', pax: { path: long, uid: '3000000', mtime: '1600000000.5' } },
    { name: 'short', content: 'gnu', gnuLongName: `g${long}` },
    { name: 'plain', content: '' },
  ]);
  t.match(statSync(join(root, long)), { uid: 3_000_000, mtimeMs: 1_600_000_000_500 });
  t.equal(readFileSync(join(root, `g${long}`), 'utf8'), 'gnu');
  t.ok(existsSync(join(root, 'plain')), 'they hold for one entry only');
});

t.test('whiteouts become what overlayfs reads', async (t) => {
  const root = await unpacked([
    { name: 'etc/.wh.gone' },
    { name: 'var/.wh..wh..opq' },
    { name: 'var/new', content: 'x' },
    { name: '.wh..wh.plnk', type: '5' },
    { name: 'replaced/', type: '5' },
    { name: '.wh.replaced' },
    { name: '.wh.comes-later' },
    { name: 'comes-later/', type: '5' },
    { name: '.wh.a-file' },
    { name: 'a-file', content: 'new' },
  ]);
  t.ok(isWhiteout(join(root, 'etc/gone')));
  t.equal(getXattr(join(root, 'var'), 'trusted.overlay.opaque')?.toString(), 'y');
  t.strictSame(readdirSync(join(root, 'var')), ['new']);
  t.notOk(
    readdirSync(root).some((name) => name.startsWith('.wh.')),
    'AUFS marks are left out',
  );
  t.equal(getXattr(join(root, 'replaced'), 'trusted.overlay.opaque')?.toString(), 'y');
  t.equal(getXattr(join(root, 'comes-later'), 'trusted.overlay.opaque')?.toString(), 'y');
  t.equal(readFileSync(join(root, 'a-file'), 'utf8'), 'new');
});

t.test("overlayfs's own marks are not taken from an archive", async (t) => {
  const root = await unpacked([
    { name: 'd/', type: '5', pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/etc' } },
    {
      name: 'f',
      pax: { 'SCHILY.xattr.user.overlay.metacopy': 'x', 'SCHILY.xattr.user.kept': 'k' },
    },
  ]);
  t.equal(getXattr(join(root, 'd'), 'trusted.overlay.redirect'), undefined);
  t.equal(getXattr(join(root, 'f'), 'user.overlay.metacopy'), undefined);
  t.equal(getXattr(join(root, 'f'), 'user.kept')?.toString(), 'k');
});

t.test('a source that fails ends the work with its own error', async (t) => {
  async function* failing(): AsyncGenerator<Buffer> {
    yield tar([{ name: 'a', content: 'x' }]).subarray(0, 600);
    throw new Error('the disk is gone');
  }
  await t.rejects(unpackLayer(emptyDirectory(), failing(), LIMITS), {
    message: 'the disk is gone',
  });
});

t.test('failed calls say errno, call and path', async (t) => {
  const base = emptyDirectory();
  const missing = join(base, 'missing');
  await t.rejects(unpackLayer(missing, pieces(tar([]), 512), LIMITS), {
    name: 'NativeError',
    code: 'ENOENT',
    syscall: 'open',
    path: missing,
  });
  t.throws(() => getXattr(missing, 'user.x'), {
    code: 'ENOENT',
    syscall: 'lgetxattr',
  });
  const link = join(base, 'link');
  symlinkSync(base, link);
  await t.rejects(unpackLayer(link, pieces(tar([]), 512), LIMITS), { code: 'ENOTDIR' });
  await t.rejects(syncFs(missing), { syscall: 'open', code: 'ENOENT' });
  await syncFs('/proc/self');
  t.equal(getXattr(base, 'user.none'), undefined);
});

t.test('a directory whose children are spread over the disk, where the file system can', (t) => {
  const directory = emptyDirectory();
  const found = spawnSync('lsattr', ['-d', directory], { encoding: 'utf8' });
  const isSpread = spreadChildren(directory);
  t.equal(spreadChildren(directory), isSpread, 'twice is the same');
  if (isSpread && found.status === 0) {
    const flags = spawnSync('lsattr', ['-d', directory], { encoding: 'utf8' }).stdout;
    t.match(flags.split(' ')[0], /T/);
  }
  t.throws(() => spreadChildren(join(directory, 'none')), { code: 'ENOENT', syscall: 'open' });
  t.equal(spreadChildren('/proc'), false);
  t.end();
});

t.test('an attribute is set, replaced, and refused with what and why', async (t) => {
  const path = join(emptyDirectory(), 'file');
  spawnSync('touch', [path]);
  for (const value of [Buffer.from([0, 255, 128]), Buffer.from('two')]) {
    setXattr(path, 'user.one', value);
    t.strictSame(getXattr(path, 'user.one'), value);
  }
  t.throws(() => setXattr(path, 'odd.one', Buffer.from('x')), /odd.one/);
  t.throws(() => setXattr(`${path}-gone`, 'user.one', Buffer.from('x')), /No such file/);
});
