/** Trees written as archives: everything a tree can hold comes back from them, by us and by GNU tar. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import t from 'tap';
import { statIn, streamTree, type TreeOptions, writeTree } from '#native/layers.ts';
import { unpackLayer } from '#native/unpack.ts';
import { pieces } from '../support/image-archives.ts';
import { needsRoot, scratch } from '../support/scratch.ts';
import { type TarEntry, tar } from '../support/tar-builder.ts';

needsRoot();
const LIMITS = { maxBytes: 1 << 30, maxEntries: 10_000 };
const emptyDirectory = scratch('write-tree');
const long = `${'d'.repeat(120)}/${'f'.repeat(150)}`;
const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');

const everything: readonly TarEntry[] = [
  { name: 'bin/', type: '5', mode: 0o2750, uid: 7, gid: 8, mtime: 1_000_000 },
  {
    name: 'bin/ping',
    content: 'program',
    mode: 0o4755,
    pax: {
      'SCHILY.xattr.security.capability': capability,
      'SCHILY.xattr.user.b': 'two',
      'SCHILY.xattr.user.a': Buffer.from([0, 255, 10]),
      mtime: '1600000000.25',
    },
  },
  { name: 'bin/ping6', type: '1', link: 'bin/ping' },
  { name: 'dev/', type: '5' },
  { name: 'dev/fifo', type: '6', mode: 0o600 },
  { name: 'dev/null', type: '3', device: [1, 3], mode: 0o666 },
  { name: 'dev/sda', type: '4', device: [8, 300] },
  { name: 'empty', content: '' },
  { name: 'link', type: '2', link: 'bin/../nowhere', uid: 3, gid: 4 },
  { name: 'x', content: 'long', pax: { path: long } },
  { name: 'x', type: '2', pax: { path: 'longlink', linkpath: `/${long}` } },
  { name: 'x', content: 'odd', pax: { path: 'odd \n"name\u{1f6a2}' } },
  { name: 'x', content: 'many', pax: { uid: '3000000', gid: '4000000000', mtime: '-1.5' } },
];

async function unpacked(archive: Buffer): Promise<string> {
  const directory = emptyDirectory();
  await unpackLayer(directory, pieces(archive, 4096), LIMITS);
  return directory;
}

async function written(options: TreeOptions): Promise<Buffer> {
  const output = join(emptyDirectory(), 'tree.tar');
  await writeTree({ ...options, output });
  return readFileSync(output);
}

function names(archive: Buffer): string[] {
  const { stdout, status } = spawnSync('tar', ['-t', '--quoting-style=literal'], {
    input: archive,
  });
  t.equal(status, 0, 'GNU tar reads it');
  return stdout.toString().split('\n').slice(0, -1);
}

t.test('a tree of everything is the same after a round trip', async (t) => {
  const root = await unpacked(tar(everything));
  const first = await written({ root });
  const again = await unpacked(first);
  t.ok(first.equals(await written({ root: again })), 'byte by byte');
  const archive = join(emptyDirectory(), 'a.tar');
  writeFileSync(archive, first);
  const flags = ['--compare', '-f', archive, '-C', root, '--xattrs', '--xattrs-include=*'];
  const compared = spawnSync('tar', flags, { encoding: 'utf8' });
  t.strictSame([compared.stdout, compared.stderr, compared.status], ['', '', 0], 'GNU tar agrees');
  const order = names(first);
  t.strictSame(order.slice(0, 5), ['bin/', 'bin/ping', 'bin/ping6', `${'d'.repeat(120)}/`, long]);
});

t.test('only what ustar cannot say is said by PAX', async (t) => {
  const root = await unpacked(
    tar([
      { name: 'a/', type: '5' },
      { name: 'a/plain', content: 'x' },
    ]),
  );
  t.equal((await written({ root })).length, 512 * 5, 'two headers, a block, the end');
});

t.test('digests and sizes of both forms are those of the bytes', async (t) => {
  const root = emptyDirectory();
  for (let i = 0; i < 40; i++) writeFileSync(join(root, `f${i}`), `line ${i}\n`.repeat(5000));
  const plain = await written({ root });
  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    for (const digests of ['sha256', 'sha512'] as const) {
      const output = join(emptyDirectory(), 'out');
      const facts = await writeTree({ root, output, compression, digests });
      const bytes = readFileSync(output);
      const tarBytes =
        compression === 'gzip'
          ? gunzipSync(bytes)
          : compression === 'zstd'
            ? zstdDecompressSync(bytes)
            : bytes;
      const digest = (of: Buffer) => `${digests}:${createHash(digests).update(of).digest('hex')}`;
      t.ok(tarBytes.equals(plain), compression);
      t.match(facts, {
        sizeBytes: bytes.length,
        tarBytes: plain.length,
        digest: digest(bytes),
        tarDigest: digest(plain),
        entries: 40,
        shortened: 0,
      });
    }
  }
});

t.test('a part is written under the name it is given', async (t) => {
  const root = emptyDirectory();
  mkdirSync(join(root, 'etc/conf'), { recursive: true });
  writeFileSync(join(root, 'etc/conf/a'), 'a');
  linkSync(join(root, 'etc/conf/a'), join(root, 'etc/conf/b'));
  symlinkSync('/etc/conf', join(root, 'here'));
  t.strictSame(names(await written({ root, path: '/etc/conf', name: 'copy' })), [
    'copy/',
    'copy/a',
    'copy/b',
  ]);
  t.strictSame(names(await written({ root, path: 'etc' })), ['conf/', 'conf/a', 'conf/b']);
  t.strictSame(names(await written({ root, path: 'etc/conf/b', name: 'c' })), ['c']);
  t.strictSame(names(await written({ root, path: 'here', name: 'h' })), ['h'], 'the link itself');
  const followed = await written({ root, path: 'here', name: 'h', follow: true });
  t.strictSame(names(followed), ['h/', 'h/a', 'h/b'], 'an absolute link stays inside the root');
  await t.rejects(written({ root, path: 'etc/none', name: 'n' }), {
    code: 'ENOENT',
    entry: 'etc/none',
  });
  await t.rejects(written({ root, path: 'etc/conf/a' }), { message: /not a directory/ });
});

t.test('no link leads out of the root', async (t) => {
  const root = emptyDirectory();
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/passwd'), 'inside');
  symlinkSync('../../../../../../../etc', join(root, 'up'));
  symlinkSync('/proc/self/root', join(root, 'magic'));
  t.equal(statIn(root, 'up/passwd').sizeBytes, 6);
  t.match(statIn(root, 'up'), { kind: 'link', target: '../../../../../../../etc' });
  t.match(statIn(root, 'up', { follow: true }), { kind: 'directory' });
  t.throws(() => statIn(root, 'magic/etc'), { code: 'ENOENT' });
  const archive = await written({ root, path: 'up', name: 'x', follow: true });
  t.ok(archive.includes('inside'));
});

t.test('owners are mapped, or one for all; times are as asked for', async (t) => {
  const root = await unpacked(
    tar([
      { name: 'a', uid: 100_000, gid: 100_005 },
      { name: 'b', uid: 5, gid: 5, pax: { mtime: '9.75' } },
    ]),
  );
  const ids = [{ inside: 0, outside: 100_000, count: 65_536 }];
  const list = async (options: Omit<TreeOptions, 'root'>) => {
    const input = await written({ root, ...options });
    const flags = ['-tv', '--numeric-owner', '--full-time', '--utc'];
    const { stdout } = spawnSync('tar', flags, { input, encoding: 'utf8' });
    return stdout.split('\n').map((line) => line.replace(/^\S+ +| +0 | [ab]$/g, ' ').trim());
  };
  t.match(await list({ uids: ids, gids: ids, times: 'seconds' }), [
    /^0\/5 /,
    /^65534\/65534 .*00:00:09$/,
  ]);
  t.match(await list({ uid: 1, gid: 2, times: 86_400 }), [/^1\/2 1970-01-02/, /^1\/2 1970-01-02/]);
  t.match(await list({}), [/./, /00:00:09.75$/]);
});

t.test('holes cost nothing when they may be left out, and are zeros when not', async (t) => {
  const root = emptyDirectory();
  const path = join(root, 'sparse');
  const fd = openSync(path, 'w');
  writeSync(fd, 'start', 0);
  writeSync(fd, 'middle', 1 << 20);
  closeSync(fd);
  truncateSync(path, 3 << 20);
  const dense = await written({ root });
  const sparse = await written({ root, sparse: true });
  t.ok(sparse.length < 30_000, `${sparse.length} bytes`);
  for (const [archive, what] of [dense, sparse].map((a, i) => [a, i] as const)) {
    const directory = emptyDirectory();
    spawnSync('tar', ['-x', '-C', directory], { input: archive });
    t.ok(readFileSync(join(directory, 'sparse')).equals(readFileSync(path)), `archive ${what}`);
  }
});

t.test('a file over 8 GiB, and a reader that goes away', async (t) => {
  const root = emptyDirectory();
  writeFileSync(join(root, 'big'), '');
  truncateSync(join(root, 'big'), 9 * 2 ** 30);
  const { stream, archived } = streamTree({ root });
  const [first] = (await stream.take(1).toArray()) as Buffer[];
  t.match(first?.toString('latin1', 0, 1024), /19 size=9663676416\n/);
  await t.rejects(archived, { code: 'EPIPE' });
  const controller = new AbortController();
  const output = openSync('/dev/null', 'w');
  const writing = writeTree({ root, output, signal: controller.signal });
  setImmediate(() => controller.abort());
  await t.rejects(writing, { name: 'AbortError' });
  closeSync(output);
});

t.test('sockets are left out, what is mounted is empty unless mounts are crossed', async (t) => {
  const root = emptyDirectory();
  const server = createServer().listen(join(root, 's'));
  await new Promise((resolve) => server.once('listening', resolve));
  t.strictSame(names(await written({ root })), []);
  server.close();
  if (!existsSync('/dev/pts/ptmx')) return;
  t.notOk(names(await written({ root: '/dev' })).includes('pts/ptmx'));
  t.ok(names(await written({ root: '/dev', crossMounts: true })).includes('pts/ptmx'));
});

t.test('what cannot be written says what and why', async (t) => {
  const missing = { root: '/nowhere/at/all', output: join(emptyDirectory(), 'o') };
  await t.rejects(writeTree(missing), { code: 'ENOENT', message: /nowhere/ });
  const output = join(emptyDirectory(), 'there');
  writeFileSync(output, '');
  await t.rejects(writeTree({ root: '/tmp', output }), { code: 'EEXIST' });
  const full = openSync('/dev/full', 'w');
  await t.rejects(writeTree({ root: emptyDirectory(), output: full }), { code: 'ENOSPC' });
  closeSync(full);
});
