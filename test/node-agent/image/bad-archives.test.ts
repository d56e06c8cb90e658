/** Archives that cannot be used: the reason is said, and nothing is kept. */
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { dockerArchive, Layout, layer, pieces, sha256 } from '../../support/image-archives.ts';
import { kept, storeIn } from '../../support/image-store.ts';
import { hasErofs } from '../../support/layer-forms.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { type TarEntry, tar } from '../../support/tar-builder.ts';

needsRoot();
const directory = scratch('bad-archives');

const one = { layers: [layer('etc/one', 'first'), layer('etc/two', 'second')] };
const good = dockerArchive([{ ...one, tags: ['a'] }]);
const layout = new Layout();
const manifest = layout.image(one);
const ociEntries = layout.entries([manifest]);
const [layerHex = ''] = one.layers.map(sha256);

function replaced(
  entries: readonly TarEntry[],
  part: string,
  content: Buffer | string,
): TarEntry[] {
  return entries.map((entry) => (entry.name.includes(part) ? { ...entry, content } : entry));
}

const badArchives: readonly { name: string; bytes: Buffer; why: RegExp }[] = [
  { name: 'nothing', bytes: Buffer.alloc(0), why: /empty or not a tar archive/ },
  { name: 'text', bytes: Buffer.alloc(5000, 'no tar '), why: /not a tar archive/ },
  { name: 'an empty tar', bytes: tar([]), why: /empty or not a tar archive/ },
  {
    name: 'a tar without an image',
    bytes: tar([{ name: 'f' }]),
    why: /neither a manifest.json .* nor an index.json/,
  },
  { name: 'a truncated archive', bytes: tar(good).subarray(0, 2500), why: /truncated/ },
  {
    name: 'truncated gzip',
    bytes: gzipSync(tar(good)).subarray(0, 300),
    why: /decompress the image archive/,
  },
  {
    name: 'xz',
    bytes: Buffer.from('fd377a585a0000000000', 'hex'),
    why: /compressed with xz; only gzip and zstd/,
  },
  {
    name: 'a path out of it',
    bytes: tar([{ name: '../x' }, ...good]),
    why: /'\.\.\/x' leads out of it/,
  },
  {
    name: 'a link out of it',
    bytes: tar([{ name: 'l', type: '2', link: '/etc/passwd' }, ...good]),
    why: /'l' is a link out of it/,
  },
  { name: 'a file twice', bytes: tar([...good, ...good]), why: /is in it twice/ },
  {
    name: 'a missing layer',
    bytes: tar(good.filter(({ name }) => !name.startsWith(layerHex))),
    why: /layer.tar' is missing/,
  },
  {
    name: 'broken JSON',
    bytes: tar(replaced(good, 'manifest.json', '[{')),
    why: /'manifest.json': it is not JSON/,
  },
  {
    name: 'JSON of another shape',
    bytes: tar(replaced(good, 'manifest.json', '[{"Config":7}]')),
    why: /Config is not string/,
  },
  {
    name: 'a bad tag',
    bytes: tar(dockerArchive([{ ...one, tags: ['NOT ok'] }])),
    why: /image reference 'NOT ok'/,
  },
  {
    name: 'a changed configuration',
    bytes: tar(replaced(good, '.json', '{}').slice(0, -1).concat(good.slice(-1))),
    why: /has the digest/,
  },
  {
    name: 'a changed layer',
    bytes: tar(replaced(good, layerHex, layer('etc/one', 'First'))),
    why: /unpack layer sha256:.*its content is sha256:/,
  },
  {
    name: 'a damaged gzip layer',
    bytes: tar(replaced(good, layerHex, gzipSync(one.layers[0] ?? '').subarray(0, 60))),
    why: /unpack layer .*compressed data end too early/,
  },
  {
    name: 'a changed OCI blob',
    bytes: tar(replaced(ociEntries, layerHex, layer('etc/one', 'First'))),
    why: /the archive is damaged/,
  },
  {
    name: 'a missing OCI manifest',
    bytes: tar(ociEntries.filter(({ name }) => !name.includes(manifest.digest.slice(7)))),
    why: /is missing/,
  },
  {
    name: 'only other platforms',
    bytes: tar(layout.entries([{ ...manifest, platform: { os: 'linux', architecture: 's390x' } }])),
    why: /no image for linux\/\w+, only for linux\/s390x/,
  },
  {
    name: 'fewer layers than diff IDs',
    bytes: tar(
      replaced(
        good,
        'manifest.json',
        String(good.at(-1)?.content).replace(/"Layers":\["[^"]*",/, '"Layers":['),
      ),
    ),
    why: /has 1 layers, but its configuration names 2/,
  },
  {
    name: 'a hostile layer',
    bytes: tar(
      dockerArchive([
        { layers: [tar([{ name: 'l', type: '2', link: '/' }, { name: 'l/x' }])], tags: ['a'] },
      ]),
    ),
    why: /unpack layer sha256:.* entry 'l\/x': its path leads out of the layer through a link; .*make it anew/,
  },
  {
    name: 'a hostile second image',
    bytes: tar(
      dockerArchive([
        { ...one, tags: ['a'] },
        { layers: [tar([{ name: '../x' }])], tags: ['b'] },
      ]),
    ),
    why: /entry '\.\.\/x'/,
  },
];

const forms = hasErofs() ? (['directories', 'auto'] as const) : (['directories'] as const);
for (const form of forms) {
  t.test(`${form}: what cannot be used is refused with the reason, nothing is kept`, async (t) => {
    for (const { name, bytes, why } of badArchives) {
      const { images, dataDir } = await storeIn(directory(), form);
      await t.rejects(images.load(pieces(bytes)), { name: 'ImageError', message: why }, name);
      t.strictSame(kept(dataDir), [], `${name}: nothing is kept`);
      t.strictSame(await images.list(), []);
    }
  });
}

t.test('a source that fails in the middle ends the load with its own error', async (t) => {
  const { images, dataDir } = await storeIn(directory());
  async function* failing(): AsyncGenerator<Buffer> {
    yield tar(good).subarray(0, 3000);
    throw new Error('connection lost');
  }
  await t.rejects(images.load(failing()), { message: 'connection lost' });
  t.strictSame(kept(dataDir), []);
});
