/** What tar readers before us fell for (CVEs of node-tar and tar-fs, and their like), and archives that never end. */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import t from 'tap';
import { unpackLayer, unpackLayerFile } from '#native/unpack.ts';
import { pieces } from '../support/image-archives.ts';
import { sameInBothForms } from '../support/layer-forms.ts';
import { needsRoot, scratch } from '../support/scratch.ts';
import { type TarEntry, tar } from '../support/tar-builder.ts';

needsRoot();
// Megabytes are compressed to make bombs.
t.setTimeout(120_000);
const LIMITS = { maxBytes: 1 << 20, maxEntries: 20_000 };
const emptyDirectory = scratch('past-tar-bugs');
const fresh = { fresh: emptyDirectory, limits: LIMITS };
const [secret, outside] = ['secret', 'outside of it'];

/** Unpacks beside `secret`, which must stay as it is, and into a directory whose neighbour begins with its name. */
async function beside(entries: (root: string) => readonly TarEntry[]) {
  const place = emptyDirectory();
  const root = join(place, 'in');
  mkdirSync(root);
  mkdirSync(`${root}-side`);
  writeFileSync(join(place, secret), outside);
  const unpacking = unpackLayer(root, pieces(tar(entries(root)), 700), LIMITS);
  const error = await unpacking.then(
    () => undefined,
    (reason: Error) => reason,
  );
  t.strictSame(readdirSync(place).sort(), ['in', 'in-side', secret]);
  t.strictSame(readdirSync(`${root}-side`), []);
  t.equal(readFileSync(join(place, secret), 'utf8'), outside);
  t.equal(statSync(join(place, secret)).nlink, 1, 'nothing in the layer is another name of it');
  await sameInBothForms(t, tar(entries(root)), { ...fresh, name: 'past bug' });
  return { root, error };
}

const writes: readonly {
  readonly cve: string;
  readonly what: string;
  readonly entries: (root: string) => readonly TarEntry[];
  readonly why: RegExp;
}[] = [
  {
    cve: 'CVE-2026-23745',
    what: 'a hard link whose target is absolute, then written through',
    entries: (root) => [
      { name: 'h', type: '1', link: join(root, '..', secret) },
      { name: 'h', content: 'pwned' },
    ],
    why: /which is not in the layer/,
  },
  {
    cve: 'CVE-2026-23745',
    what: 'a symbolic link whose target is absolute, then written through',
    entries: (root) => [
      { name: 'l', type: '2', link: join(root, '..', secret) },
      { name: 'l', content: 'pwned' },
    ],
    why: /more than once/,
  },
  {
    cve: 'CVE-2026-26960',
    what: 'a hard link through a chain of links that each look harmless',
    entries: () => [
      { name: 'a/b/', type: '5' },
      { name: 'a/b/up', type: '2', link: '../..' },
      { name: 'out', type: '2', link: 'a/b/up/..' },
      { name: 'h', type: '1', link: `out/${secret}` },
      { name: 'h', content: 'pwned' },
    ],
    why: /out of the layer through a link/,
  },
  {
    cve: 'CVE-2026-31802',
    what: 'a link with the beginning of a drive',
    entries: () => [
      { name: 'c', type: '1', link: `C:../${secret}` },
      { name: 'c', content: 'pwned' },
    ],
    why: /which is not in the layer/,
  },
  {
    cve: 'CVE-2024-12905',
    what: 'a file through a link that was made before it',
    entries: () => [
      { name: 'l', type: '2', link: '..' },
      { name: `l/${secret}`, content: 'pwned' },
    ],
    why: /out of the layer through a link/,
  },
  {
    cve: 'CVE-2025-59343',
    what: 'a link to a neighbour whose name begins as ours',
    entries: () => [
      { name: 'l', type: '2', link: '../in-side' },
      { name: 'l/pwned', content: 'pwned' },
    ],
    why: /out of the layer through a link/,
  },
  {
    cve: 'CVE-2025-59343',
    what: 'a whiteout through a link',
    entries: () => [{ name: 'l', type: '2', link: '..' }, { name: `l/.wh.${secret}` }],
    why: /out of the layer through a link/,
  },
];
for (const { cve, what, entries, why } of writes) {
  t.test(`${what} (${cve})`, async (t) => {
    t.match((await beside(entries)).error?.message, why);
  });
}

t.test(
  'names that only some file systems take for one are different (CVE-2026-23950)',
  async (t) => {
    const names = [
      'ß',
      'ss',
      'SS',
      'é',
      'e\u0301',
      'File',
      'file',
      'ﬁle',
      'trailing ',
      'trailing.',
    ];
    const { root, error } = await beside(() => [
      ...names.map((name): TarEntry => ({ name, content: name })),
      { name: 'link', type: '2', link: '..' },
      { name: 'LINK/', type: '5' },
      { name: `LINK/${secret}`, content: 'inside' },
    ]);
    t.equal(error, undefined);
    for (const name of names) t.equal(readFileSync(join(root, name), 'utf8'), name);
    t.equal(readlinkSync(join(root, 'link')), '..');
    t.equal(readFileSync(join(root, `LINK/${secret}`), 'utf8'), 'inside');
  },
);

t.test('devices and FIFOs are made as they are said, and never opened', async (t) => {
  const { root, error } = await beside(() => [
    { name: 'null', type: '3', device: [1, 3], mode: 0o4666 },
    { name: 'disk', type: '4', device: [259, 0] },
    { name: 'fifo', type: '6' },
  ]);
  t.equal(error, undefined);
  t.ok(lstatSync(join(root, 'null')).isCharacterDevice());
  t.ok(lstatSync(join(root, 'disk')).isBlockDevice());
  t.ok(lstatSync(join(root, 'fifo')).isFIFO());
  for (const through of ['null', 'fifo']) {
    const { error } = await beside(() => [
      { name: through, type: through === 'fifo' ? '6' : '3', device: [1, 3] },
      { name: through, content: 'written to it' },
    ]);
    t.match(error?.message, /more than once/);
  }
});

const endless: Readonly<Record<string, readonly [Buffer, RegExp]>> = {
  'zeros without end behind the archive': [
    Buffer.concat([tar([{ name: 'a' }]), Buffer.alloc(65 << 20)]),
    /more than 64 MiB follow the end of the archive/,
  ],
  'metadata without end': [
    tar(Array(1200).fill({ name: 'd/', type: '5', pax: { comment: 'x'.repeat(1000) } })),
    /unpacks to more than 1048576 bytes/,
  ],
  'one file more than fits': [
    tar([
      { name: 'a', content: Buffer.alloc(1 << 20) },
      { name: 'b', content: 'b' },
    ]),
    /unpacks to more than 1048576 bytes/,
  ],
  'entries without end': [
    tar(Array(20_001).fill({ name: 'd/', type: '5' })),
    /more than 20000 entries/,
  ],
};
for (const [what, [archive, why]] of Object.entries(endless)) {
  t.test(`a bomb: ${what}`, async (t) => {
    for (const compress of [gzipSync, zstdCompressSync]) {
      const directory = emptyDirectory();
      const file = join(directory, '../bomb');
      writeFileSync(file, compress(archive));
      t.ok(statSync(file).size < archive.length / 20, 'it is small');
      const unpacking = unpackLayerFile(file, directory, { ...LIMITS, tarDigests: 'sha256' });
      await t.rejects(unpacking, { message: why });
      await sameInBothForms(t, compress(archive), { ...fresh, name: what }, why);
    }
  });
}

t.test('what pads an archive to its record is no bomb', async (t) => {
  const archive = Buffer.concat([tar([{ name: 'a', content: 'a' }]), Buffer.alloc(1 << 20)]);
  const directory = emptyDirectory();
  t.match(await unpackLayer(directory, pieces(archive, 1 << 16), LIMITS), { entries: 1 });
});
