/** With Debian's docker-registry and skopeo: what we push they read, what they push we run, byte for byte the same. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BASE_IMAGE, makeBaseImage } from '#node-agent/image/base-image.mjs';
import { ensureBaseImage } from '#node-agent/image/ensure-base-image.ts';
import { openImages } from '#node-agent/image/image-store.ts';
import { pushSignature, simpleByKey } from '../../../support/cosign.ts';
import { missingPrograms, skopeo, startRegistry } from '../../../support/docker-registry.ts';
import {
  dockerArchive,
  image512,
  Layout,
  layer,
  layout512,
} from '../../../support/image-archives.ts';
import { folder, loadEntries, rootOf } from '../../../support/image-store.ts';
import { impatientStore, largeLayer } from '../../../support/registry-store.ts';
import { needsRoot, scratch } from '../../../support/scratch.ts';
import { ecPair, type Pair, pem } from '../../../support/sigstore.ts';
import { tar } from '../../../support/tar-builder.ts';

needsRoot();
const missing = missingPrograms();
if (missing !== undefined) {
  t.pass('skipped', { skip: missing });
  process.exit();
}
const directory = scratch('real-registry');
const registry = await startRegistry(directory());
t.teardown(() => registry.stop());
const plain = ['--tls-verify=false'] as const;
const remote = (name: string) => `docker://${registry.host}/${name}`;

t.test(
  'push by us, inspect and copy by skopeo, pull by us: the same digests all the way',
  async (t) => {
    const dataDir = directory();
    const images = await impatientStore(dataDir);
    const layers = [layer('etc/name', 'a'), largeLayer(3_000_000)];
    const name = `${registry.host}/ours/app:1`;
    await loadEntries(
      images,
      dockerArchive([{ layers, tags: [name], config: { Cmd: ['/x'], Env: ['A=b'] } }]),
    );
    const { digest } = await images.push(name);
    const seen = JSON.parse(await skopeo('inspect', ...plain, remote('ours/app:1')));
    t.match(seen, { Digest: digest, Architecture: 'amd64', Env: ['A=b'] });
    t.equal(seen.Layers.length, 2);
    await skopeo(
      'copy',
      '--quiet',
      '--src-tls-verify=false',
      '--dest-tls-verify=false',
      '--preserve-digests',
      remote('ours/app:1'),
      remote('theirs/app:2'),
    );
    const other = await impatientStore(directory());
    const pulled = await other.pull(`${registry.host}/theirs/app:2`);
    t.equal(pulled.digest, digest);
    t.equal(pulled.id, (await images.list())[0]?.id);
    t.strictSame(pulled.config.cmd, ['/x']);
  },
);

t.test(
  'the built-in busybox goes to the registry and comes back by skopeo and by us',
  async (t) => {
    const archive = join(directory(), 'base.tar');
    await makeBaseImage(archive);
    const images = await impatientStore(directory());
    await ensureBaseImage(images, archive);
    const ours = `${registry.host}/ours/busybox:1`;
    await images.tag(BASE_IMAGE, ours);
    const { digest } = await images.push(ours);
    const layout = `oci:${directory()}:busybox`;
    await skopeo('copy', '--quiet', '--src-tls-verify=false', remote('ours/busybox:1'), layout);
    const target = remote('theirs/busybox:1');
    await skopeo(
      'copy',
      '--quiet',
      '--dest-tls-verify=false',
      '--preserve-digests',
      layout,
      target,
    );
    const pulled = await (await impatientStore(directory())).pull(
      `${registry.host}/theirs/busybox:1`,
    );
    t.equal(pulled.digest, digest);
    t.equal(pulled.id, (await images.find(BASE_IMAGE))?.id);
  },
);

t.test(
  'images that skopeo pushes in both formats are pulled, and pushed on unchanged',
  async (t) => {
    const layout = new Layout();
    const at = directory();
    const image = layout.image({ layers: [layer('a', '1'), layer('b', '2')] });
    const archive = join(at, 'layout.tar');
    const annotations = { 'org.opencontainers.image.ref.name': 'app' };
    writeFileSync(archive, tar(layout.entries([{ ...image, annotations }])));
    for (const format of ['oci', 'v2s2']) {
      const target = remote(`theirs/${format}:1`);
      await skopeo(
        'copy',
        '--quiet',
        '--dest-tls-verify=false',
        '--format',
        format,
        `oci-archive:${archive}`,
        target,
      );
      const images = await impatientStore(directory());
      const name = `${registry.host}/theirs/${format}:1`;
      const pulled = await images.pull(name);
      const raw = await skopeo('inspect', ...plain, '--raw', target);
      const { Digest } = JSON.parse(await skopeo('inspect', ...plain, target));
      t.equal(pulled.digest, Digest, format);
      const copy = `${registry.host}/copy/${format}:1`;
      await images.tag(name, copy);
      t.equal((await images.push(copy)).digest, Digest);
      t.equal(await skopeo('inspect', ...plain, '--raw', remote(`copy/${format}:1`)), raw);
    }
  },
);

t.test(
  'a blob too large for one request arrives whole, also when the registry has it in another repository',
  async (t) => {
    const dataDir = directory();
    const images = await impatientStore(dataDir);
    const name = `${registry.host}/large/app:1`;
    const content = largeLayer(40 * 2 ** 20);
    await loadEntries(images, dockerArchive([{ layers: [content], tags: [name] }]));
    const { digest } = await images.push(name);
    const other = await impatientStore(directory());
    const pulled = await other.pull(name);
    const [layer = ''] = await other.layers(pulled);
    t.ok(
      readFileSync(join(rootOf(layer), 'large')).equals(content.subarray(512, 512 + 40 * 2 ** 20)),
    );
    await other.tag(name, `${registry.host}/large/copy:1`);
    t.equal((await other.push(`${registry.host}/large/copy:1`)).digest, digest);
    t.equal(JSON.parse(await skopeo('inspect', ...plain, remote('large/copy:1'))).Digest, digest);
    t.strictSame(folder(dataDir, 'incoming'), [], 'nothing of the compression is left');
  },
);

t.test('blobs with a SHA-512 go to a real registry and come back as they were', async (t) => {
  const images = await impatientStore(directory());
  const name = `${registry.host}/sha512/app:1`;
  const [image] = await loadEntries(images, layout512(image512(), name));
  await images.push(name);
  const dataDir = directory();
  const pulled = await (await impatientStore(dataDir)).pull(name);
  t.equal(pulled.id, image?.id);
  t.match(pulled.id, /^sha512:/);
  t.equal(folder(dataDir, 'blobs/sha512').length, 3, 'configuration and layers');
});

t.test('signatures beside images in a real registry are found', async (t) => {
  const dataDir = directory();
  const images = await impatientStore(dataDir);
  const name = `${registry.host}/signed/app:1`;
  await loadEntries(images, dockerArchive([{ layers: [layer('a', 'a')], tags: [name] }]));
  const { digest } = await images.push(name);
  const [pair, stranger] = [ecPair(), ecPair()];
  const pulled = async () => {
    const signedBy = [{ name: 'k', key: pem(pair.publicKey) }];
    const spec = { images: [`${registry.host}/**`], signedBy };
    const kind = { apiVersion: 'bayplan.dev/v1alpha1', kind: 'ImagePolicy' };
    const policies = async () => [{ ...kind, metadata: { name: 'p' }, spec }];
    return (await openImages({ dataDir: directory(), policies })).pull(name);
  };
  const sign = (by: Pair) =>
    pushSignature(registry.host, 'signed/app', [simpleByKey(digest, name, by)], digest);
  await t.rejects(pulled(), { code: 'Untrusted', message: /it has no signature/ });
  await sign(stranger);
  await t.rejects(pulled(), { code: 'Untrusted', message: /made with another key/ });
  await sign(pair);
  t.equal((await pulled()).digest, digest);
});
