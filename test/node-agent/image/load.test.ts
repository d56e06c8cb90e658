/** Loading archives: what is in them is found, verified, unpacked; what is wrong with them is said, and nothing is kept. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import t from 'tap';
import { openImages } from '#node-agent/image/image-store.ts';
import type { Images } from '#node-agent/image/images.ts';
import { dockerArchive, Layout, layer, pieces, sha256 } from '../../support/image-archives.ts';
import { type TarEntry, tar } from '../../support/tar-builder.ts';

if (process.getuid?.() !== 0) {
  t.pass('skipped', { skip: 'needs root' });
  process.exit();
}

const base = mkdtempSync(join(tmpdir(), 'images-network-load-'));
t.teardown(() => rmSync(base, { recursive: true }));
let number = 0;

async function emptyStore(): Promise<{ images: Images; dataDir: string }> {
  const dataDir = join(base, String(number++));
  return { images: await openImages({ dataDir }), dataDir };
}

const load = (images: Images, entries: readonly TarEntry[]) => images.load(pieces(tar(entries)));

/** Every file and directory of the store but the fixed ones. */
function kept(dataDir: string): string[] {
  const below = (folder: string) => readdirSync(join(dataDir, 'images', folder));
  return [...below('blobs/sha256'), ...below('layers'), ...below('incoming')].sort();
}

const one = { layers: [layer('etc/one', 'first'), layer('etc/two', 'second')] };
const config = {
  Entrypoint: ['/entry'],
  Cmd: ['serve'],
  Env: ['A=1'],
  WorkingDir: '/work',
  User: '1000:1000',
  Labels: { a: 'b' },
  ExposedPorts: { '80/tcp': {} },
  StopSignal: 'SIGQUIT',
};

t.test('a docker-archive becomes an image with its configuration and layers', async (t) => {
  const { images } = await emptyStore();
  const [loaded] = await load(images, dockerArchive([{ ...one, config, tags: ['app:v1'] }]));
  t.match(loaded, {
    tags: ['docker.io/library/app:v1'],
    createdAt: '2024-05-06T07:08:09Z',
    sizeBytes: 11,
    config: {
      entrypoint: ['/entry'],
      cmd: ['serve'],
      env: ['A=1'],
      workingDir: '/work',
      user: '1000:1000',
      labels: { a: 'b' },
      exposedPorts: ['80/tcp'],
      stopSignal: 'SIGQUIT',
    },
  });
  if (loaded === undefined) return;
  t.match(loaded.id, /^sha256:[a-f0-9]{64}$/);
  const [lowest, highest] = await images.layers(loaded);
  t.equal(readFileSync(join(lowest ?? '', 'etc/one'), 'utf8'), 'first');
  t.equal(readFileSync(join(highest ?? '', 'etc/two'), 'utf8'), 'second');
});

t.test('gzip and zstd are undone, in layers and around the archive', async (t) => {
  for (const compress of [gzipSync, zstdCompressSync]) {
    const { images } = await emptyStore();
    const entries = dockerArchive([{ ...one, tags: ['a'], compress }]);
    const [loaded] = await images.load(pieces(compress(tar(entries)), 100));
    t.equal(loaded?.sizeBytes, 11);
  }
  const { images } = await emptyStore();
  const twoFrames = (bytes: Buffer) =>
    Buffer.concat([gzipSync(bytes.subarray(0, 700)), gzipSync(bytes.subarray(700))]);
  await load(images, dockerArchive([{ ...one, tags: ['a'], compress: twoFrames }]));
  const twoZstdFrames = (bytes: Buffer) =>
    Buffer.concat([
      zstdCompressSync(bytes.subarray(0, 700)),
      zstdCompressSync(bytes.subarray(700)),
    ]);
  await load(images, dockerArchive([{ ...one, tags: ['a'], compress: twoZstdFrames }]));
});

t.test('links of old docker-archives lead to the layer they stand for', async (t) => {
  const { images } = await emptyStore();
  const content = layer('f', 'shared');
  const entries = dockerArchive([{ layers: [content, content], tags: ['old:1'] }]).map((entry) => {
    if (entry.name !== 'manifest.json') return entry;
    return {
      ...entry,
      content: String(entry.content).replace(/"([^"]*)\/layer.tar"]/, '"second/layer.tar"]'),
    };
  });
  const link = `../${sha256(content)}/layer.tar`;
  await load(images, [{ name: 'second/layer.tar', type: '2', link }, ...entries]);
  const image = await images.find('old:1');
  t.equal(image && (await images.layers(image)).length, 2);
});

t.test('an OCI layout, this machine chosen among platforms, also in nested indexes', async (t) => {
  const { images } = await emptyStore();
  const layout = new Layout();
  const mine = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };
  const other = { os: 'linux', architecture: 's390x' };
  const manifests = [
    { ...layout.image({ layers: [layer('f', 'other')] }), platform: other },
    { ...layout.image({ layers: [layer('f', 'mine')], compress: gzipSync }), platform: mine },
    {
      ...layout.blob('application/vnd.oci.image.manifest.v1+json', '{"attestation":true}'),
      platform: { os: 'unknown', architecture: 'unknown' },
    },
  ];
  const nested = layout.index([layout.index(manifests)]);
  const annotations = { 'io.containerd.image.name': 'registry.test:5000/team/app:v2' };
  const [loaded] = await load(images, layout.entries([{ ...nested, annotations }]));
  t.match(loaded, { tags: ['registry.test:5000/team/app:v2'], digest: manifests[1]?.digest });
  const [directory] = loaded ? await images.layers(loaded) : [];
  t.equal(readFileSync(join(directory ?? '', 'f'), 'utf8'), 'mine');
});

t.test('an archive with both forms, as Docker >= 25 saves it, is one image', async (t) => {
  const { images } = await emptyStore();
  const layout = new Layout();
  const manifest = layout.image(one);
  const annotations = {
    'io.containerd.image.name': 'docker.io/library/both:1',
    'org.opencontainers.image.ref.name': '1',
  };
  const entries = layout.entries([{ ...manifest, annotations }]);
  const blob = (hex: string) => `blobs/sha256/${hex}`;
  const { config: described } = JSON.parse(String(layout.blobs.get(manifest.digest.slice(7))));
  const docker = {
    Config: blob(described.digest.slice(7)),
    RepoTags: ['both:1', 'both:latest'],
    Layers: one.layers.map((bytes) => blob(sha256(bytes))),
  };
  const loaded = await load(images, [
    ...entries,
    { name: 'manifest.json', content: JSON.stringify([docker]) },
  ]);
  t.equal(loaded.length, 1);
  t.match(loaded[0], {
    digest: manifest.digest,
    tags: ['docker.io/library/both:1', 'docker.io/library/both:latest'],
  });
});

t.test('images without a name, several in one archive, and the same one twice', async (t) => {
  const { images, dataDir } = await emptyStore();
  const layout = new Layout();
  const [untagged] = await load(images, layout.entries([layout.image(one)]));
  t.strictSame(untagged?.tags, []);
  const two = { layers: [...one.layers, layer('three', '3')] };
  const entries = dockerArchive([
    { ...one, tags: null },
    { ...two, tags: ['two', 'zwei:2'] },
  ]);
  t.equal((await load(images, entries)).length, 2);
  const before = kept(dataDir);
  t.equal((await load(images, entries)).length, 2);
  t.strictSame(kept(dataDir), before);
  t.equal(readdirSync(join(dataDir, 'images/layers')).length, 3, 'shared layers are there once');
});

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
    why: /decompress layer/,
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

t.test('what cannot be used is refused with the reason, and nothing is kept', async (t) => {
  for (const { name, bytes, why } of badArchives) {
    const { images, dataDir } = await emptyStore();
    await t.rejects(images.load(pieces(bytes)), { name: 'ImageError', message: why }, name);
    t.strictSame(kept(dataDir), [], `${name}: nothing is kept`);
    t.strictSame(await images.list(), []);
  }
});

t.test('the kernel shows the layers as the archive means them', async (t) => {
  const { images } = await emptyStore();
  const lower = tar([
    { name: 'gone', content: 'x' },
    { name: 'kept', content: 'lower' },
    { name: 'opaque/old', content: 'x' },
    { name: 'dir/old', content: 'x' },
    { name: 'dir/stays', content: 'x' },
  ]);
  const upper = tar([
    { name: '.wh.gone' },
    { name: 'kept', content: 'upper' },
    { name: 'opaque/.wh..wh..opq' },
    { name: 'opaque/new', content: 'x' },
    { name: 'dir/.wh.old' },
  ]);
  const [image] = await load(images, dockerArchive([{ layers: [lower, upper], tags: ['o'] }]));
  const layers = image ? await images.layers(image) : [];
  const merged = join(base, 'merged');
  mkdirSync(merged);
  const options = `lowerdir=${layers.toReversed().join(':')}`;
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, merged]);
  try {
    t.strictSame(readdirSync(merged).sort(), ['dir', 'kept', 'opaque']);
    t.equal(readFileSync(join(merged, 'kept'), 'utf8'), 'upper');
    t.strictSame(readdirSync(join(merged, 'opaque')), ['new']);
    t.strictSame(readdirSync(join(merged, 'dir')), ['stays']);
  } finally {
    execFileSync('umount', [merged]);
  }
});

t.test('killed at any moment of a load, the store is whole at the next start', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 100000);
  t.comment(`SEED=${seed}`);
  const dataDir = join(base, 'killed');
  const script = new URL('./load-for-ever.ts', import.meta.url).pathname;
  for (let round = 0; round < 4; round++) {
    const child = spawn(process.execPath, [script, dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await delay((seed * (round + 3)) % 61); // the moment is what is varied, nothing is waited for
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;

    const images = await openImages({ dataDir });
    const list = await images.list();
    const layers = new Set((await Promise.all(list.map((image) => images.layers(image)))).flat());
    for (const path of layers) t.match(readdirSync(path), ['etc']);
    t.equal(readdirSync(join(dataDir, 'images/layers')).length, layers.size);
    t.strictSame(readdirSync(join(dataDir, 'images/incoming')), []);
    for (const image of list) await images.remove(image.id);
    t.strictSame(kept(dataDir), []);
  }
});

t.test('a source that fails in the middle ends the load with its own error', async (t) => {
  const { images, dataDir } = await emptyStore();
  async function* failing(): AsyncGenerator<Buffer> {
    yield tar(good).subarray(0, 3000);
    throw new Error('connection lost');
  }
  await t.rejects(images.load(failing()), { message: 'connection lost' });
  t.strictSame(kept(dataDir), []);
});
