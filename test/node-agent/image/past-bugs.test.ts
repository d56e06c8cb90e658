/** What other image stores fell for, each by its number. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import t from 'tap';
import { openImages } from '#node-agent/image/image-store.ts';
import { parseReference } from '#node-agent/image/reference.ts';
import { BadRegistry, send, types } from '../../support/bad-registry.ts';
import { dockerArchive, Layout, layer, pieces } from '../../support/image-archives.ts';
import { folder, kept, loadTagged, storeIn } from '../../support/image-store.ts';
import { impatientStore, smallLayers } from '../../support/registry-store.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { tar } from '../../support/tar-builder.ts';

needsRoot();
// Whole stores, and a process for each archive.
t.setTimeout(120_000);
const directory = scratch('past-image-bugs');

async function registryFor(t: { teardown(run: () => unknown): void }) {
  const registry = await BadRegistry.start();
  t.teardown(() => registry.close());
  return registry;
}

t.test('no program is started to decompress (CVE-2026-41567)', async (t) => {
  const place = directory();
  const bin = join(place, 'bin');
  mkdirSync(bin);
  for (const name of ['xz', 'gzip', 'gunzip', 'unpigz', 'pigz', 'zstd', 'unzstd', 'tar', 'sh']) {
    writeFileSync(join(bin, name), `#!/bin/bash\n: >${place}/pwned-by-$\{0##*/}\nexec cat\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const archive = (compress: (bytes: Buffer) => Buffer) =>
    tar(dockerArchive([{ layers: smallLayers(), tags: ['a:1'], compress }]));
  const forms = { gz: gzipSync, zst: zstdCompressSync, xz: (bytes: Buffer) => bytes };
  for (const [form, compress] of Object.entries(forms)) {
    const file = join(place, `archive.${form}`);
    const xz = Buffer.from('fd377a585a0000000000', 'hex');
    writeFileSync(file, form === 'xz' ? xz : compress(archive(compress)));
    const script = new URL('../../support/load-once.ts', import.meta.url).pathname;
    const { status, stderr } = spawnSync(process.execPath, [script, join(place, form), file], {
      cwd: bin,
      env: { PATH: bin },
      encoding: 'utf8',
    });
    if (form === 'xz') t.match(stderr, /compressed with xz; only gzip and zstd/);
    else t.equal(status, 0, stderr);
  }
  const names = ['xz', 'gzip', 'gunzip', 'unpigz', 'pigz', 'zstd', 'unzstd', 'tar', 'sh'];
  for (const name of names) t.notOk(existsSync(join(place, `pwned-by-${name}`)), name);
});

t.test(
  'of a configuration only what is known is taken (CVE-2022-23648, CVE-2026-53488)',
  async (t) => {
    const { images } = await storeIn(directory());
    const config = {
      User: `${'u'.repeat(1 << 20)}`,
      Env: Array.from({ length: 5000 }, (_, i) => `E${i}=${'x'.repeat(100)}`),
      Labels: { 'io.kubernetes.container.name': 'mine', 'bayplan.dev/node': 'mine' },
      Volumes: { '../../etc': {}, '/ok': {} },
      Healthcheck: { Test: ['CMD', 'x'.repeat(1 << 20)], Retries: 2 ** 40 },
      HostConfig: { Privileged: true, Binds: ['/:/host'] },
      Privileged: true,
      Runtime: '/host/evil',
      OnBuild: ['RUN evil'],
      __proto__: { polluted: true },
    };
    const [image] = await images.load(
      pieces(tar(dockerArchive([{ layers: smallLayers(), tags: ['a:1'], config }]))),
    );
    const known =
      'entrypoint cmd env workingDir user labels exposedPorts stopSignal volumes shell healthcheck';
    for (const key of Object.keys(image?.config ?? {})) t.ok(known.split(' ').includes(key), key);
    t.strictSame(Object.keys(image?.config.healthcheck ?? {}), ['test', 'retries']);
    t.equal(({} as Record<string, unknown>)['polluted'], undefined);
    await t.rejects(images.resolveUser(image as never, image?.config.user ?? ''), {
      message: /user/,
    });
  },
);

t.test('names come from whoever asked, not from what was pulled (CVE-2026-50195)', async (t) => {
  const registry = await registryFor(t);
  const images = await impatientStore(directory());
  const trusted = await loadTagged(images, ['trusted:1']);
  const annotations = {
    'org.opencontainers.image.ref.name': 'docker.io/library/trusted:1',
    'io.containerd.image.name': 'docker.io/library/trusted:1',
    'bayplan.dev/tag': 'trusted:1',
  };
  const evil = registry.image('evil', undefined, { layers: smallLayers() }, (m) => ({
    ...m,
    annotations,
    name: 'library/trusted',
    tag: '1',
  }));
  const platform = { os: 'linux', architecture: 'amd64' };
  const manifests = [{ ...evil.manifest, annotations, platform }];
  registry.manifest('evil', '1', types.index, { schemaVersion: 2, manifests, annotations });
  const name = `${registry.host}/evil:1`;
  t.strictSame((await images.pull(name)).tags, [name]);
  t.equal((await images.find('trusted:1'))?.id, trusted.id);
});

t.test('a name moves only to what was verified (CVE-2026-53492)', async (t) => {
  const registry = await registryFor(t);
  const dataDir = directory();
  const images = await impatientStore(dataDir);
  const name = `${registry.host}/app:1`;
  registry.image('app', '1', { layers: smallLayers() });
  const good = await images.pull(name);
  const { layers } = registry.image('app', '1', { layers: [layer('new', 'n')] });
  registry.blobs.set(layers[0]?.digest ?? '', gzipSync(layer('new', 'evil')));
  await t.rejects(images.pull(name), { code: 'Registry' });
  const found = await images.find(name);
  t.equal(found?.id, good.id, 'what it meant before');
  t.strictSame(found?.tags, [name]);
  t.equal((await images.list()).length, 1);
  t.equal(folder(dataDir, 'layers').length, 2);
  t.strictSame(folder(dataDir, 'incoming'), []);
});

const config = { mediaType: types.config, digest: `sha256:${'c'.repeat(64)}`, size: 2 };
const twofold: Readonly<Record<string, readonly [object, RegExp]>> = {
  'both at once': [
    { schemaVersion: 2, mediaType: types.index, manifests: [], layers: [], config },
    /an index and an image at once/,
  ],
  'an index that is called an image': [
    { schemaVersion: 2, mediaType: types.manifest, manifests: [] },
    /is an index, but called application\/vnd.oci.image.manifest.v1\+json/,
  ],
  'an image that is called an index': [
    { schemaVersion: 2, mediaType: types.dockerList, layers: [], config },
    /is no index, but called application\/vnd.docker.distribution.manifest.list/,
  ],
};
t.test('no document is an image and an index (CVE-2021-41190)', async (t) => {
  const registry = await registryFor(t);
  for (const [what, [document, message]] of Object.entries(twofold)) {
    for (const type of [types.index, types.manifest]) {
      const dataDir = directory();
      const images = await impatientStore(dataDir);
      registry.manifest('app', '1', type, document);
      await t.rejects(images.pull(`${registry.host}/app:1`), { message }, what);
      const layout = new Layout();
      const descriptor = layout.blob(type, JSON.stringify(document));
      await t.rejects(
        images.load(pieces(tar(layout.entries([descriptor])))),
        { name: 'ImageError', message: /is (an|no) index/ },
        `${what}, in an archive`,
      );
      t.strictSame(kept(dataDir), []);
    }
  }
});

const digests = [
  `sha256:../../../../${'a'.repeat(52)}`,
  `sha256:${'a'.repeat(64)}/../../x`,
  `sha256:${'a'.repeat(63)}`,
  `SHA256:${'a'.repeat(64)}`,
  `sha256:${'a'.repeat(64)}\n`,
  `sha256+b64:${'a'.repeat(64)}`,
  'sha256:',
  ':',
];
t.test('a digest is never a path (CVE-2024-3727)', async (t) => {
  const registry = await registryFor(t);
  const { images, dataDir } = await storeIn(directory());
  for (const digest of digests) {
    const layers = [{ mediaType: types.layer, size: 1, digest }];
    registry.image('app', '1', { layers: [] }, (m) => ({ ...m, layers }));
    const message = /digest is not sha256 or sha512 digest/;
    await t.rejects(images.pull(`${registry.host}/app:1`), { message }, digest);
    registry.image('app', '1', { layers: [] }, (m) => ({ ...m, config: { ...config, digest } }));
    await t.rejects(images.pull(`${registry.host}/app:1`), { message }, digest);
    const manifests = [{ mediaType: types.manifest, size: 1, digest }];
    registry.manifest('app', '2', types.index, { schemaVersion: 2, manifests });
    await t.rejects(images.pull(`${registry.host}/app:2`), { message }, digest);
    const index = [{ name: 'index.json', content: JSON.stringify({ manifests }) }];
    await t.rejects(images.load(pieces(tar(index))), { message }, digest);
    t.throws(() => parseReference(`app@${digest}`), { name: 'ImageError' }, digest);
  }
  t.strictSame(kept(dataDir), []);
});

t.test('a digest in a header is checked as any other (CVE-2024-3727)', async (t) => {
  const registry = await registryFor(t);
  const images = await impatientStore(directory());
  registry.image('app', '1', { layers: smallLayers() });
  const { bytes } = registry.manifests.get('app:1') ?? {};
  for (const told of [`sha256:${'0'.repeat(64)}`, `sha512:${'0'.repeat(128)}`]) {
    registry.meet = (_request, response, url) =>
      url.includes('/manifests/') &&
      send(response, 200, bytes ?? '', { 'docker-content-digest': told });
    const message = /the manifest has the digest sha\d+:\w+, not sha\d+:0+/;
    await t.rejects(images.pull(`${registry.host}/app:1`), { code: 'Registry', message });
  }
  t.strictSame(await images.list(), []);
});

t.test('a layer deeper than any path is removed as any other', async (t) => {
  const dataDir = directory();
  const images = await openImages({ dataDir });
  const chain = 'a/'.repeat(2000);
  const deep = [
    { name: chain, type: '5', pax: { path: chain } },
    { name: 'l', type: '2', link: '', pax: { linkpath: chain } },
    { name: 'l/f', pax: { path: `l/${'b/'.repeat(1900)}f` } },
  ];
  const archive = (entries: typeof deep) =>
    pieces(tar(dockerArchive([{ layers: [tar(entries)], tags: ['deep:1'] }])));
  await images.load(archive(deep));
  t.equal(folder(dataDir, 'layers').length, 1);
  await images.remove('deep:1');
  t.strictSame(kept(dataDir), []);
  const bad = [...deep, { name: '../x', pax: { path: '../x' } }];
  await t.rejects(images.load(archive(bad)), { message: /'\.\.\/x'/ });
  t.strictSame(kept(dataDir), []);
});
