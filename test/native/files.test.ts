/** Unpacking layers, also hostile ones. Owners, devices and `trusted.` attributes need root. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { getXattr, syncFs, unpackLayer } from '#native/files.ts';
import { type TarEntry, tar } from '../support/tar-builder.ts';

if (process.getuid?.() !== 0) {
  t.pass('skipped', { skip: 'needs root' });
  process.exit();
}

const LIMITS = { maxBytes: 1 << 20, maxEntries: 1000 };
const base = mkdtempSync(join(tmpdir(), 'images-network-files-'));
t.teardown(() => rmSync(base, { recursive: true }));

let number = 0;
function emptyDirectory(): string {
  const directory = join(base, String(number++), 'layer');
  mkdirSync(directory, { recursive: true });
  return directory;
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function unpacked(entries: readonly TarEntry[], pieceSize = 4096): Promise<string> {
  const directory = emptyDirectory();
  await unpackLayer(directory, inPieces(tar(entries), pieceSize), LIMITS);
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

const inside: TarEntry = { name: 'd/', type: '5' };
const hostile: readonly {
  name: string;
  entries: readonly TarEntry[];
  entry: string;
  why: RegExp;
}[] = [
  { name: 'a path with ..', entries: [{ name: '../out' }], entry: '../out', why: /holds '\.\.'/ },
  {
    name: 'a path with .. in it',
    entries: [inside, { name: 'd/../../out' }],
    entry: 'd/../../out',
    why: /holds '\.\.'/,
  },
  {
    name: 'a PAX path with ..',
    entries: [{ name: 'x', pax: { path: 'a/../../out' } }],
    entry: 'a/../../out',
    why: /holds '\.\.'/,
  },
  {
    name: 'a file through an absolute link',
    entries: [{ name: 'l', type: '2', link: '/' }, { name: 'l/out' }],
    entry: 'l/out',
    why: /out of the layer through a link/,
  },
  {
    name: 'a file through a link upwards',
    entries: [{ name: 'l', type: '2', link: '../..' }, { name: 'l/out' }],
    entry: 'l/out',
    why: /out of the layer through a link/,
  },
  {
    name: 'a directory through a link to nowhere',
    entries: [{ name: 'l', type: '2', link: 'missing' }, { name: 'l/x/out' }],
    entry: 'l/x/out',
    why: /link to nothing/,
  },
  {
    name: 'a loop of links',
    entries: [{ name: 'l', type: '2', link: 'l' }, { name: 'l/out' }],
    entry: 'l/out',
    why: /loop of links/,
  },
  {
    name: 'a hard link to what is outside',
    entries: [{ name: 'h', type: '1', link: '../../secret' }],
    entry: 'h',
    why: /not in the layer/,
  },
  {
    name: 'a hard link to an absolute path that is not there',
    entries: [{ name: 'h', type: '1', link: '/etc/shadow' }],
    entry: 'h',
    why: /hard link to '\/etc\/shadow', which is not in the layer/,
  },
  {
    name: 'a hard link through a link outwards',
    entries: [
      { name: 'l', type: '2', link: '/etc' },
      { name: 'h', type: '1', link: 'l/passwd' },
    ],
    entry: 'h',
    why: /out of the layer through a link/,
  },
  {
    name: 'a file twice',
    entries: [{ name: 'f' }, { name: './f' }],
    entry: './f',
    why: /more than once/,
  },
  {
    name: 'a file where a directory is',
    entries: [inside, { name: 'd' }],
    entry: 'd',
    why: /more than once/,
  },
  {
    name: 'a directory where a link is',
    entries: [
      { name: 'l', type: '2', link: '/' },
      { name: 'l/', type: '5' },
    ],
    entry: 'l/',
    why: /more than once/,
  },
  {
    name: 'a path through a file',
    entries: [{ name: 'f' }, { name: 'f/x' }],
    entry: 'f/x',
    why: /not a directory/,
  },
  {
    name: 'a file in place of the root',
    entries: [{ name: './.' }],
    entry: './.',
    why: /root directory/,
  },
  {
    name: 'a whiteout of ..',
    entries: [{ name: 'd/.wh...' }],
    entry: 'd/.wh...',
    why: /whiteout of nothing/,
  },
  {
    name: 'a whiteout of nothing',
    entries: [{ name: '.wh.' }],
    entry: '.wh.',
    why: /whiteout of nothing/,
  },
  {
    name: 'an empty link',
    entries: [{ name: 'l', type: '2', link: '' }],
    entry: 'l',
    why: /link target is empty/,
  },
  {
    name: 'an unknown type',
    entries: [{ name: 'v', type: 'V' }],
    entry: 'v',
    why: /tar type 'V' is not supported/,
  },
  {
    name: 'a sparse file',
    entries: [{ name: 's', pax: { 'GNU.sparse.major': '1' } }],
    entry: 's',
    why: /sparse/,
  },
  {
    name: 'too large a file',
    entries: [{ name: 'big', size: 2 ** 32 }],
    entry: 'big',
    why: /more than 1048576 bytes/,
  },
  {
    name: 'an owner out of range',
    entries: [{ name: 'u', pax: { uid: '4294967295' } }],
    entry: 'u',
    why: /out of range/,
  },
  {
    name: 'a PAX number that is none',
    entries: [{ name: 'u', pax: { uid: '-1' } }],
    entry: 'u',
    why: /PAX record uid is not a number/,
  },
  {
    name: 'giant metadata',
    entries: [{ name: 'x', type: 'x', size: 2 ** 30 }],
    entry: 'x',
    why: /larger than 1 MiB/,
  },
  {
    name: 'a name with a NUL',
    entries: [{ name: 'x', pax: { path: 'a\0b' } }],
    entry: 'a\0b',
    why: /NUL/,
  },
];

t.test('hostile archives are refused with the entry and the reason', async (t) => {
  for (const { name, entries, entry, why } of hostile) {
    const directory = emptyDirectory();
    const outside = join(directory, '..');
    await t.rejects(
      unpackLayer(directory, inPieces(tar(entries), 700), LIMITS),
      { entry, message: why },
      name,
    );
    t.strictSame(readdirSync(outside), ['layer'], `${name}: nothing is outside`);
  }
});

t.test('a truncated or damaged archive is refused', async (t) => {
  const whole = tar([{ name: 'a', content: Buffer.alloc(3000, 1) }]);
  for (const length of [100, 512, 1000, 3511, 3600]) {
    await t.rejects(
      unpackLayer(emptyDirectory(), inPieces(whole.subarray(0, length), 512), LIMITS),
      { message: /truncated/ },
      `cut at ${length}`,
    );
  }
  const garbage = Buffer.alloc(2048, 'garbage ');
  await t.rejects(unpackLayer(emptyDirectory(), inPieces(garbage, 512), LIMITS), {
    message: /not a tar header/,
  });
  const badPax = tar([{ name: 'x', type: 'x', content: '99 path=short\n' }, { name: 'f' }]);
  await t.rejects(unpackLayer(emptyDirectory(), inPieces(badPax, 512), LIMITS), {
    message: /PAX header is malformed/,
  });
});

t.test('random damage never touches what is outside, nor crashes', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  t.comment(`SEED=${seed}`);
  let state = seed;
  const random = (below: number) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state % below;
  };
  const good = tar([
    { name: 'd/', type: '5' },
    { name: 'd/l', type: '2', link: '../..' },
    { name: 'd/f', content: 'content', pax: { 'SCHILY.xattr.user.x': 'y', mtime: '1.5' } },
    { name: 'd/h', type: '1', link: 'd/f' },
    { name: 'd/.wh.gone' },
  ]);
  let refused = 0;
  for (let round = 0; round < 300; round++) {
    const bad = Buffer.from(good);
    for (let i = 0; i <= random(4); i++) {
      const at = random(bad.length);
      bad[at] = random(256);
      fixChecksum(bad, at - (at % 512));
    }
    const directory = emptyDirectory();
    await unpackLayer(directory, inPieces(bad, 1 + random(2000)), LIMITS).catch(() => refused++);
    if (readdirSync(join(directory, '..')).length !== 1)
      t.fail(`something is outside, SEED=${seed}`);
  }
  t.ok(refused > 30, `${refused} of 300 refused`);
});

/** Makes a damaged header pass the first check, so that what is behind it is tried. */
function fixChecksum(bytes: Buffer, at: number): void {
  if (bytes.toString('latin1', at + 257, at + 262) !== 'ustar') return;
  bytes.fill(' ', at + 148, at + 156);
  const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148);
}

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
  await t.rejects(unpackLayer(join(base, 'missing'), inPieces(tar([]), 512), LIMITS), {
    name: 'NativeError',
    code: 'ENOENT',
    syscall: 'open',
    path: join(base, 'missing'),
  });
  t.throws(() => getXattr(join(base, 'missing'), 'user.x'), {
    code: 'ENOENT',
    syscall: 'lgetxattr',
  });
  const link = join(base, 'link');
  symlinkSync(base, link);
  await t.rejects(unpackLayer(link, inPieces(tar([]), 512), LIMITS), { code: 'ENOTDIR' });
  await t.rejects(syncFs(join(base, 'missing')), { syscall: 'open', code: 'ENOENT' });
  await syncFs('/proc/self');
  t.equal(getXattr(base, 'user.none'), undefined);
});
