/** What is sent to a registry: only what it has not, whole or in chunks, always the same bytes. */
import { createHash, randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import t from 'tap';
import type { Images, TransferProgress } from '#node-agent/image/images.ts';
import { BadRegistry, digestOf, refuse, send } from '../../../support/bad-registry.ts';
import { dockerArchive, Layout, layer, pieces } from '../../../support/image-archives.ts';
import { loadEntries } from '../../../support/image-store.ts';
import { impatientStore, smallLayers } from '../../../support/registry-store.ts';
import { needsRoot, scratch } from '../../../support/scratch.ts';
import { tar } from '../../../support/tar-builder.ts';

needsRoot();
const directory = scratch('registry-push');
interface Teardown {
  teardown(run: () => unknown): void;
}

async function rig(t: Teardown, idleMs = 300) {
  const registry = await BadRegistry.start();
  t.teardown(() => registry.close());
  const images = await impatientStore(directory(), { idleMs });
  return { registry, images };
}

/** An image whose one layer has so many bytes, as an OCI layout: it is sent as it is. */
async function loadLayout(images: Images, content: Buffer, tag: string): Promise<string> {
  const layout = new Layout();
  const image = layout.image({
    layers: [tar([{ name: 'large', content }])],
    compress: (each) => gzipSync(each, { level: 0 }),
  });
  const annotations = { 'io.containerd.image.name': tag };
  await images.load(pieces(tar(layout.entries([{ ...image, annotations }])), 1 << 20));
  return image.digest;
}

t.test('a docker-archive gets compressed layers and a manifest, always the same', async (t) => {
  const { registry, images } = await rig(t);
  const layers = [layer('a', 'x'.repeat(100_000)), layer('b', 'y')];
  const tags = [`${registry.host}/app:1`];
  await loadEntries(images, dockerArchive([{ layers, tags }]));
  const { digest } = await images.push(tags[0] ?? '');
  const manifest = JSON.parse(String(registry.manifests.get('app:1')?.bytes));
  t.equal(digestOf(registry.manifests.get('app:1')?.bytes ?? ''), digest);
  t.match(manifest, {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' }, {}],
  });
  const sent = manifest.layers.map((each: { digest: string }) => registry.blobs.get(each.digest));
  t.strictSame(
    sent.map((bytes: Buffer) => digestOf(gunzipSync(bytes))),
    layers.map(digestOf),
  );
  t.ok(sent[0].length < 2000);
  const other = await impatientStore(directory());
  await loadEntries(other, dockerArchive([{ layers, tags }]));
  t.equal((await other.push(tags[0] ?? '')).digest, digest, 'another node makes the same');
  const third = await impatientStore(directory());
  const [here] = await images.list();
  const pulled = await third.pull(tags[0] ?? '');
  t.equal(pulled.id, here?.id);
  t.equal(
    (await images.find(`${registry.host}/app@${digest}`))?.id,
    here?.id,
    'known here by that digest, too',
  );
});

t.test('what was pulled or came with a manifest is sent byte by byte as it came', async (t) => {
  const { registry, images } = await rig(t);
  const { manifest } = registry.image('app', '1', { layers: smallLayers() }, (m) => ({
    ...m,
    annotations: { 'a b': 'ü' },
  }));
  await images.pull(`${registry.host}/app:1`);
  await images.tag(`${registry.host}/app:1`, `${registry.host}/copy:2`);
  t.equal((await images.push(`${registry.host}/copy:2`)).digest, manifest.digest);
  t.strictSame(registry.manifests.get('copy:2')?.bytes, registry.manifests.get('app:1')?.bytes);
});

t.test('blobs that are there are not sent, those of a neighbour are mounted', async (t) => {
  const { registry, images } = await rig(t);
  registry.image('app', '1', { layers: smallLayers() });
  await images.pull(`${registry.host}/app:1`);
  await images.tag(`${registry.host}/app:1`, `${registry.host}/team/copy:1`);
  const progress: TransferProgress[] = [];
  // A registry keeps blobs by repository: this one knows them in `app` only.
  registry.meet = (request, response, url) =>
    request.method === 'HEAD' && url.includes('/team/copy/blobs/') && send(response, 404, '');
  await images.push(`${registry.host}/team/copy:1`, { onProgress: (each) => progress.push(each) });
  t.equal(registry.count('POST', /uploads\/\?mount=sha256%3A\w+&from=app$/), 3);
  t.equal(registry.count('PUT', /uploads/), 0);
  t.strictSame(new Set(progress.map(({ status }) => status)), new Set(['waiting', 'present']));
  registry.meet = () => false;
  await images.push(`${registry.host}/team/copy:1`);
  t.equal(registry.count('POST', /uploads/), 3);
});

t.test('a large blob goes in chunks; after a cut only what is missing is sent', async (t) => {
  const { registry, images } = await rig(t, 10_000);
  const name = `${registry.host}/app:1`;
  const content = randomBytes(40 * 2 ** 20);
  const digest = await loadLayout(images, content, name);
  let patches = 0;
  registry.meet = (request, response) => {
    if (request.method !== 'PATCH') return false;
    patches += 1;
    if (patches === 1) return false;
    if (patches === 2) {
      request.once('data', () => request.destroy());
      return true;
    }
    return patches === 3 && send(response, 503, '');
  };
  t.equal((await images.push(name)).digest, digest);
  const ranges = registry.seen
    .filter(({ method }) => method === 'PATCH')
    .map(({ headers }) => String(headers['content-range']).split('-')[0]);
  const mib = 2 ** 20;
  t.strictSame(ranges, [0, 16 * mib, 16 * mib, 16 * mib, 32 * mib].map(String));
  t.ok(registry.count('GET', /uploads\/\d+\?_state=a%2Bb$/) >= 2, 'asked where it is');
  t.equal(registry.count('PUT', /uploads\/\d+\?_state=a%2Bb&digest=sha256%3A/), 2);
  const hash = createHash('sha256');
  for (const blob of registry.blobs.values())
    if (blob.length > mib) hash.update(gunzipSync(blob).subarray(512, 512 + content.length));
  t.equal(hash.digest('hex'), createHash('sha256').update(content).digest('hex'));
});

t.test(
  'a session that the registry lost is begun anew; one that takes no chunks gets the whole',
  async (t) => {
    const { registry, images } = await rig(t);
    const name = `${registry.host}/app:1`;
    await loadLayout(images, randomBytes(20 * 2 ** 20), name);
    const lost = new Set<string>();
    registry.meet = (request, response, url) => {
      const session = /uploads\/(\d+)/.exec(url)?.[1];
      if (session === undefined) return false;
      const isSecond = request.headers['content-range']?.startsWith('0-') === false;
      if (isSecond && lost.size === 0) lost.add(session);
      if (!lost.has(session)) return false;
      request.resume();
      return refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry');
    };
    await images.push(name);
    t.equal(registry.count('PATCH', /./), 4, 'two, and two again');
    registry.blobs.clear();
    registry.seen.length = 0;
    registry.meet = (request, response) => {
      if (request.method !== 'PATCH') return false;
      request.resume();
      return refuse(response, 405, 'UNSUPPORTED', 'no chunks');
    };
    await images.push(name);
    t.equal(registry.count('PATCH', /./), 1);
    t.equal(registry.count('PUT', /uploads/), 2);
  },
);

t.test('a small blob that is cut is sent again', async (t) => {
  const { registry, images } = await rig(t);
  const name = `${registry.host}/app:1`;
  await loadEntries(images, dockerArchive([{ layers: smallLayers(), tags: [name] }]));
  let cuts = 0;
  registry.meet = (request) => {
    if (request.method !== 'PUT' || cuts === 2) return false;
    cuts += 1;
    request.destroy();
    return true;
  };
  await images.push(name);
  t.equal(cuts, 2);
});

t.test(
  'a push that is refused says by whom and what to do, and is gone without a trace',
  async (t) => {
    const { registry, images } = await rig(t);
    const name = `${registry.host}/app:1`;
    await loadEntries(images, dockerArchive([{ layers: smallLayers(), tags: [name] }]));
    registry.meet = (request, response, url) =>
      request.method === 'POST' &&
      url.includes('uploads') &&
      refuse(response, 403, 'DENIED', 'requested access to the resource is denied');
    await t.rejects(images.push(name), {
      code: 'Unauthorized',
      message:
        /^push 127\S+: POST http\S+ answered 403 Forbidden \(DENIED: requested access to the resource is denied\); give credentials/,
    });
    registry.meet = (request, response, url) =>
      request.method === 'PUT' &&
      url.includes('manifests') &&
      refuse(response, 400, 'MANIFEST_INVALID', 'manifest invalid');
    await t.rejects(images.push(name), {
      code: 'Registry',
      message: /MANIFEST_INVALID: manifest invalid/,
    });
    registry.meet = (request, response, url) =>
      request.method === 'PUT' &&
      url.includes('manifests') &&
      send(response, 201, '', { 'docker-content-digest': digestOf('other') });
    await t.rejects(images.push(name), {
      message: /the registry keeps the manifest as sha256:\w+, not as sha256:\w+/,
    });
    await t.rejects(images.push('elsewhere:1'), { code: 'NotFound' });
    const id = (await images.list())[0]?.id ?? '';
    await t.rejects(images.push(id), {
      code: 'NotFound',
      message: /name it for its registry first: bay tag .* REGISTRY\/NAME:TAG/,
    });
    await t.rejects(images.push(name, { signal: AbortSignal.abort() }), { code: 'Cancelled' });
  },
);
