/** Layers that want out of their directory, are damaged, or are simply wrong. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { unpackLayer } from '#native/unpack.ts';
import { pieces } from '../support/image-archives.ts';
import { sameInBothForms } from '../support/layer-forms.ts';
import { needsRoot, scratch } from '../support/scratch.ts';
import { type TarEntry, tar } from '../support/tar-builder.ts';

needsRoot();
const LIMITS = { maxBytes: 1 << 20, maxEntries: 1000 };
const emptyDirectory = scratch('files');
const fresh = { fresh: emptyDirectory, limits: LIMITS };

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
    entries: [{ name: 'l', type: '2' }],
    entry: 'l',
    why: /target is empty/,
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
    await t.rejects(
      unpackLayer(directory, pieces(tar(entries), 700), LIMITS),
      { entry, message: why },
      name,
    );
    t.strictSame(readdirSync(join(directory, '..')), ['here'], `${name}: nothing is outside`);
    await sameInBothForms(t, tar(entries), { ...fresh, name }, why);
  }
});

t.test('a truncated or damaged archive is refused', async (t) => {
  const whole = tar([{ name: 'a', content: Buffer.alloc(3000, 1) }]);
  for (const length of [100, 512, 1000, 3511, 3600]) {
    await t.rejects(
      unpackLayer(emptyDirectory(), pieces(whole.subarray(0, length), 512), LIMITS),
      { message: /truncated/ },
      `cut at ${length}`,
    );
    const cut = { ...fresh, name: `cut at ${length}` };
    await sameInBothForms(t, whole.subarray(0, length), cut, /truncated/);
  }
  const garbage = Buffer.alloc(2048, 'garbage ');
  await t.rejects(unpackLayer(emptyDirectory(), pieces(garbage, 512), LIMITS), {
    message: /not a tar header/,
  });
  const badPax = tar([{ name: 'x', type: 'x', content: '99 path=short\n' }, { name: 'f' }]);
  await t.rejects(unpackLayer(emptyDirectory(), pieces(badPax, 512), LIMITS), {
    message: /PAX header is malformed/,
  });
  await sameInBothForms(t, garbage, { ...fresh, name: 'garbage' }, /not a tar header/);
  await sameInBothForms(t, badPax, { ...fresh, name: 'PAX' }, /PAX header is malformed/);
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
    await unpackLayer(directory, pieces(bad, 1 + random(2000)), LIMITS).catch(() => refused++);
    if (readdirSync(join(directory, '..')).length !== 1)
      t.fail(`something is outside, SEED=${seed}`);
    if (round % 3 === 0) await sameInBothForms(t, bad, { ...fresh, name: `SEED=${seed}` });
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
