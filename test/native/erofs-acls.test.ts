/** Access control lists in layers of both forms: what the kernel makes of them, what it refuses. */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { forgetLayer, openLayers } from '#native/layer-mounts.ts';
import { unpackLayerFile } from '#native/unpack.ts';
import { needsErofs } from '../support/erofs-layer.ts';
import { unpackBothForms } from '../support/layer-forms.ts';
import { needsRoot, scratch } from '../support/scratch.ts';
import { type TarEntry, tar } from '../support/tar-builder.ts';

needsRoot();
await needsErofs();
const limits = { maxBytes: 1 << 20, maxEntries: 1000 };
const emptyDirectory = scratch('erofs-acls');

const tags = { owner: 1, user: 2, group: 4, named: 8, mask: 16, other: 32 } as const;
type Entry = readonly [tag: keyof typeof tags, bits: number, id?: number];

/** As an attribute holds it (Linux, include/uapi/linux/posix_acl_xattr.h). */
function list(entries: readonly Entry[], version = 2): Buffer {
  const bytes = Buffer.alloc(4 + 8 * entries.length);
  bytes.writeUInt32LE(version);
  for (const [i, [tag, bits, id = 2 ** 32 - 1]] of entries.entries()) {
    bytes.writeUInt16LE(tags[tag], 4 + 8 * i);
    bytes.writeUInt16LE(bits, 6 + 8 * i);
    bytes.writeUInt32LE(id, 8 + 8 * i);
  }
  return bytes;
}

const access = (value: Buffer) => ({ 'SCHILY.xattr.system.posix_acl_access': value });
const inherited = (value: Buffer) => ({ 'SCHILY.xattr.system.posix_acl_default': value });

const minimal: readonly Entry[] = [
  ['owner', 7],
  ['group', 5],
  ['other', 1],
];
const whole: readonly Entry[] = [
  ['owner', 6],
  ['user', 7, 1000],
  ['user', 4, 65_534],
  ['group', 4],
  ['named', 6, 50],
  ['mask', 5],
  ['other', 0],
];
const taken: Readonly<Record<string, readonly TarEntry[]>> = {
  'of a file, a directory, a device and a FIFO': [
    { name: 'f', mode: 0o4644, pax: access(list(whole)) },
    {
      name: 'd/',
      type: '5',
      mode: 0o2700,
      pax: { ...access(list(whole)), ...inherited(list(whole)) },
    },
    { name: 'c', type: '3', device: [1, 3], pax: access(list(whole)) },
    { name: 'p', type: '6', pax: access(list(whole)) },
  ],
  'that says what a mode says': [
    { name: 'f', mode: 0o600, pax: access(list(minimal)) },
    { name: 'd/', type: '5', pax: inherited(list(minimal)) },
  ],
  'that says nothing': [
    { name: 'f', mode: 0o640, pax: access(list([])) },
    { name: 'g', mode: 0o640, pax: access(Buffer.alloc(0)) },
  ],
  'of another version, or of a link': [
    { name: 'f', pax: access(list(whole, 1)) },
    { name: 'l', type: '2', link: 'f', pax: access(list(whole)) },
  ],
  'with a mask and nobody named': [
    {
      name: 'f',
      pax: access(
        list([
          ['owner', 6],
          ['group', 7],
          ['mask', 4],
          ['other', 0],
        ]),
      ),
    },
  ],
  'that what is made in a directory does not inherit': [
    { name: 'd/', type: '5', mode: 0o755, pax: inherited(list(whole)) },
    { name: 'd/f', mode: 0o644, content: 'x' },
    { name: 'd/sub/', type: '5', mode: 0o755 },
    { name: 'd/made/for/it', mode: 0o600 },
    { name: 'd/p', type: '6', mode: 0o644 },
  ],
  'of a directory twice': [
    { name: 'd/', type: '5', mode: 0o755, pax: access(list(whole)) },
    { name: 'd/', type: '5', mode: 0o711 },
    { name: 'e/', type: '5', mode: 0o755, pax: inherited(list(minimal)) },
    { name: 'e/', type: '5', mode: 0o711, pax: inherited(list(whole)) },
  ],
};
for (const [name, entries] of Object.entries(taken)) {
  t.test(`a list ${name}`, async (t) => {
    const where = { place: emptyDirectory(), base: emptyDirectory(), limits, name };
    t.equal(await unpackBothForms(t, tar(entries), where), undefined);
  });
}

const without = (tag: Entry[0]) => whole.filter(([one]) => one !== tag);
const refused: Readonly<Record<string, TarEntry>> = {
  'without an owner': { name: 'f', pax: access(list(without('owner'))) },
  'without a group': { name: 'f', pax: access(list(without('group'))) },
  'without others': { name: 'f', pax: access(list(without('other'))) },
  'without a mask': { name: 'f', pax: access(list(without('mask'))) },
  'in another order': { name: 'f', pax: access(list(whole.toReversed())) },
  'that goes on': { name: 'f', pax: access(list([...minimal, ['other', 1]])) },
  'of rights that are none': { name: 'f', pax: access(list([['owner', 8], ...minimal.slice(1)])) },
  'for nobody': {
    name: 'f',
    pax: access(list(whole.map(([tag, bits]) => [tag, bits] as const))),
  },
  'cut short': { name: 'f', pax: access(list(minimal).subarray(0, 27)) },
  'of two bytes': { name: 'f', pax: access(Buffer.from('\u0002\0')) },
  'to inherit, of a file': { name: 'f', pax: inherited(list(whole)) },
  'to inherit, without a mask': { name: 'd/', type: '5', pax: inherited(list(without('mask'))) },
};
for (const [name, entry] of Object.entries(refused)) {
  t.test(`a list ${name} is refused`, async (t) => {
    const where = { place: emptyDirectory(), base: emptyDirectory(), limits, name };
    t.match(await unpackBothForms(t, tar([entry]), where), /setxattr/);
  });
}

t.test('the mode is what the list says', async (t) => {
  const place = emptyDirectory();
  writeFileSync(
    join(place, 'archive'),
    tar([{ name: 'f', mode: 0o4644, pax: access(list(whole)) }]),
  );
  const image = join(place, 'image');
  const options = { ...limits, tarDigests: 'sha256', form: 'erofs' } as const;
  await unpackLayerFile(join(place, 'archive'), image, options);
  const opened = await openLayers([image]);
  try {
    t.equal(statSync(join(opened.paths[0] ?? '', 'f')).mode & 0o7777, 0o4650);
  } finally {
    opened.close();
    forgetLayer(image);
  }
});
