/** Loading archives of every kind: what is in them is found, verified, unpacked. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import t from 'tap';
import { dockerArchive, Layout, layer, pieces, sha256 } from '../../support/image-archives.ts';
import { kept, loadEntries, rootOf, storeIn } from '../../support/image-store.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { tar } from '../../support/tar-builder.ts';

needsRoot();
const directory = scratch('load');

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
  const { images } = await storeIn(directory());
  const [loaded] = await loadEntries(images, dockerArchive([{ ...one, config, tags: ['app:v1'] }]));
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
  t.equal(readFileSync(join(rootOf(lowest ?? ''), 'etc/one'), 'utf8'), 'first');
  t.equal(readFileSync(join(rootOf(highest ?? ''), 'etc/two'), 'utf8'), 'second');
});

t.test('gzip and zstd are undone, in layers and around the archive', async (t) => {
  for (const compress of [gzipSync, zstdCompressSync]) {
    const { images } = await storeIn(directory());
    const entries = dockerArchive([{ ...one, tags: ['a'], compress }]);
    const [loaded] = await images.load(pieces(compress(tar(entries)), 100));
    t.equal(loaded?.sizeBytes, 11);
  }
  const { images } = await storeIn(directory());
  const twoFrames = (bytes: Buffer) =>
    Buffer.concat([gzipSync(bytes.subarray(0, 700)), gzipSync(bytes.subarray(700))]);
  await loadEntries(images, dockerArchive([{ ...one, tags: ['a'], compress: twoFrames }]));
  const twoZstdFrames = (bytes: Buffer) =>
    Buffer.concat([
      zstdCompressSync(bytes.subarray(0, 700)),
      zstdCompressSync(bytes.subarray(700)),
    ]);
  await loadEntries(images, dockerArchive([{ ...one, tags: ['a'], compress: twoZstdFrames }]));
});

t.test('links of old docker-archives lead to the layer they stand for', async (t) => {
  const { images } = await storeIn(directory());
  const content = layer('f', 'shared');
  const entries = dockerArchive([{ layers: [content, content], tags: ['old:1'] }]).map((entry) => {
    if (entry.name !== 'manifest.json') return entry;
    return {
      ...entry,
      content: String(entry.content).replace(/"([^"]*)\/layer.tar"]/, '"second/layer.tar"]'),
    };
  });
  const link = `../${sha256(content)}/layer.tar`;
  await loadEntries(images, [{ name: 'second/layer.tar', type: '2', link }, ...entries]);
  const image = await images.find('old:1');
  t.equal(image && (await images.layers(image)).length, 2);
});

t.test('an OCI layout, this machine chosen among platforms, also in nested indexes', async (t) => {
  const { images } = await storeIn(directory());
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
  const [loaded] = await loadEntries(images, layout.entries([{ ...nested, annotations }]));
  t.match(loaded, { tags: ['registry.test:5000/team/app:v2'], digest: manifests[1]?.digest });
  const [root] = loaded ? await images.layers(loaded) : [];
  t.equal(readFileSync(join(rootOf(root ?? ''), 'f'), 'utf8'), 'mine');
});

t.test('an archive with both forms, as Docker >= 25 saves it, is one image', async (t) => {
  const { images } = await storeIn(directory());
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
  const loaded = await loadEntries(images, [
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
  const { images, dataDir } = await storeIn(directory());
  const layout = new Layout();
  const [untagged] = await loadEntries(images, layout.entries([layout.image(one)]));
  t.strictSame(untagged?.tags, []);
  const two = { layers: [...one.layers, layer('three', '3')] };
  const entries = dockerArchive([
    { ...one, tags: null },
    { ...two, tags: ['two', 'zwei:2'] },
  ]);
  t.equal((await loadEntries(images, entries)).length, 2);
  const before = kept(dataDir);
  t.equal((await loadEntries(images, entries)).length, 2);
  t.strictSame(kept(dataDir), before);
  t.equal(readdirSync(join(dataDir, 'images/layers')).length, 3, 'shared layers are there once');
});
