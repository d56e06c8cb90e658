/** Who a container runs as, read from the image's own files as its container would see them. */
import t from 'tap';
import { unpackLayer } from '#native/unpack.ts';
import { readImageFile } from '#node-agent/image/image-file.ts';
import { resolveUser } from '#node-agent/image/user.ts';
import { pieces } from '../../support/image-archives.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { type TarEntry, tar } from '../../support/tar-builder.ts';

needsRoot();
const emptyDirectory = scratch('user');

async function layers(...tars: readonly (readonly TarEntry[])[]): Promise<readonly string[]> {
  const directories: string[] = [];
  for (const entries of tars) {
    const directory = emptyDirectory();
    await unpackLayer(directory, pieces(tar(entries)), { maxBytes: 1 << 20, maxEntries: 100 });
    directories.push(directory);
  }
  return directories;
}

const passwd = [
  'root:x:0:0:root:/root:/bin/sh',
  'app:x:1000:1001:App:/srv/app:/bin/sh',
  'homeless:x:1002:1002:::',
  'broken:x:notanumber:5::/:',
  'negative:x:-1:5::/:',
  'huge:x:99999999999:5::/:',
  '',
].join('\n');
const group =
  'root:x:0:root\nwheel:x:10:root,app\nstaff:x:50:app,other\napp:x:1001:\nbad:x:z:app\n';
const files: TarEntry[] = [
  { name: 'etc/passwd', content: passwd },
  { name: 'etc/group', content: group },
];

t.test('users and groups by name and number, as Docker reads them', async (t) => {
  const image = await layers(files);
  const cases: [string, unknown][] = [
    ['', { uid: 0, gid: 0, groups: [0, 10], home: '/root' }],
    ['root', { uid: 0, gid: 0, groups: [0, 10], home: '/root' }],
    ['app', { uid: 1000, gid: 1001, groups: [10, 50], home: '/srv/app' }],
    ['1000', { uid: 1000, gid: 1001, groups: [10, 50], home: '/srv/app' }],
    ['app:staff', { uid: 1000, gid: 50, groups: [], home: '/srv/app' }],
    ['1000:7', { uid: 1000, gid: 7, groups: [], home: '/srv/app' }],
    ['4242', { uid: 4242, gid: 0, groups: [], home: '/' }],
    ['4242:4343', { uid: 4242, gid: 4343, groups: [], home: '/' }],
    ['homeless', { uid: 1002, gid: 1002, groups: [], home: '/' }],
    [':50', { uid: 0, gid: 50, groups: [], home: '/root' }],
    ['2147483647', { uid: 2147483647, gid: 0, groups: [], home: '/' }],
  ];
  for (const [user, expected] of cases)
    t.strictSame(await resolveUser(image, user), expected, user);
});

t.test('what cannot be read never becomes root', async (t) => {
  const image = await layers(files);
  for (const user of [
    'nobody',
    'broken',
    'negative',
    'huge',
    '-1',
    '2147483648',
    '0x0',
    '1e3',
    ' 0',
    'app:none',
    '1000:-5',
  ]) {
    await t.rejects(resolveUser(image, user), { name: 'ImageError', code: 'UnknownUser' }, user);
  }
  t.strictSame(await resolveUser(await layers([]), ''), { uid: 0, gid: 0, groups: [], home: '/' });
  await t.rejects(resolveUser(await layers([]), 'app'), { message: /\/etc\/passwd has no 'app'/ });
});

t.test('layers hide what is below them', async (t) => {
  const read = async (...tars: (readonly TarEntry[])[]) =>
    readImageFile(await layers(...tars), '/etc/passwd', 1000);
  const lower: TarEntry[] = [{ name: 'etc/passwd', content: 'lower' }];
  t.equal(await read(lower, [{ name: 'etc/passwd', content: 'upper' }]), 'upper');
  t.equal(await read(lower, [{ name: 'etc/other' }]), 'lower');
  t.equal(await read(lower, [{ name: 'etc/.wh.passwd' }]), undefined);
  t.equal(await read(lower, [{ name: '.wh.etc' }]), undefined);
  t.equal(await read(lower, [{ name: 'etc/.wh..wh..opq' }, { name: 'etc/x' }]), undefined);
  t.equal(await read(lower, [{ name: 'etc' }]), undefined, 'a file hides a directory');
  t.equal(
    await read(lower, [{ name: '.wh.etc' }], [{ name: 'etc/passwd', content: 'back' }]),
    'back',
  );
  t.equal(await read([{ name: 'etc' }], lower), 'lower', 'a directory hides a file');
});

t.test('links lead to what the container would see, never out of the image', async (t) => {
  const read = async (entries: readonly TarEntry[]) =>
    readImageFile(
      await layers([...entries, { name: 'real', content: 'inside' }]),
      '/etc/passwd',
      1000,
    );
  const link = (target: string): TarEntry => ({ name: 'etc/passwd', type: '2', link: target });
  t.equal(await read([link('../real')]), 'inside');
  t.equal(await read([link('/real')]), 'inside');
  t.equal(await read([link('../../../../../real')]), 'inside', '.. of the root is the root');
  t.equal(
    await read([
      { name: 'etc', type: '2', link: 'conf/d' },
      { name: 'conf/d/passwd', content: 'deep' },
    ]),
    'deep',
  );
  t.equal(await read([{ name: 'etc', type: '2', link: '/etc' }]), undefined, 'not the host’s');
  t.equal(await read([link('/proc/self/environ')]), undefined);
  t.equal(await read([link('passwd')]), undefined, 'a loop');
  t.equal(await read([{ name: 'etc/passwd', type: '6' }]), undefined, 'a FIFO is not waited for');
  t.equal(await read([{ name: 'etc/passwd', type: '5' }]), undefined);
});

t.test('a giant file is refused instead of read', async (t) => {
  const image = await layers([{ name: 'etc/passwd', content: 'x'.repeat(2000) }]);
  await t.rejects(readImageFile(image, '/etc/passwd', 1000), {
    message: /2000 bytes, more than the 1000/,
  });
});
