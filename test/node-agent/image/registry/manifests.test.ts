/** Which image of a repository is taken, and which documents are not images. */
import t from 'tap';
import { registryEndpoint } from '#node-agent/image/registry/endpoint.ts';
import { referrers } from '#node-agent/image/registry/referrers.ts';
import { Registry } from '#node-agent/image/registry/registry.ts';
import { Repository } from '#node-agent/image/registry/repository.ts';
import { Gatekeeper } from '#node-agent/image/signature/gatekeeper.ts';
import { BadRegistry, digestOf, send, types } from '../../../support/bad-registry.ts';
import { layer } from '../../../support/image-archives.ts';
import { impatientStore, smallLayers } from '../../../support/registry-store.ts';
import { needsRoot, scratch } from '../../../support/scratch.ts';

needsRoot();
const directory = scratch('registry-manifests');
interface Teardown {
  teardown(run: () => unknown): void;
}
async function rig(t: Teardown) {
  const registry = await BadRegistry.start();
  t.teardown(() => registry.close());
  const images = await impatientStore(directory());
  const pull = (tag: string) =>
    images.pull(`${registry.host}/app${tag.includes('@') ? '' : ':'}${tag}`);
  return { registry, images, pull };
}
const amd64 = { os: 'linux', architecture: 'amd64' };
const arm64 = { os: 'linux', architecture: 'arm64' };

t.test(
  'the image for this machine is found through nested indexes, by tag and by each digest',
  async (t) => {
    const { registry, images, pull } = await rig(t);
    const own = registry.image('app', undefined, { layers: smallLayers() });
    const other = registry.image('app', undefined, {
      layers: [layer('arm', 'a')],
      architecture: 'arm64',
    });
    const inner = registry.manifest('app', undefined, types.dockerList, {
      schemaVersion: 2,
      mediaType: types.dockerList,
      manifests: [
        { ...other.manifest, platform: arm64 },
        { ...own.manifest, platform: amd64 },
      ],
    });
    const top = registry.manifest('app', 'multi', types.index, {
      schemaVersion: 2,
      manifests: [inner],
    });
    const image = await pull('multi');
    t.equal(image.digest, own.manifest.digest);
    const name = `${registry.host}/app`;
    t.strictSame(
      image.repoDigests,
      [top, inner, own.manifest].map(({ digest }) => `${name}@${digest}`),
    );
    t.equal(registry.count('GET', new RegExp(other.manifest.digest)), 0);
    const asked = registry.seen.length;
    for (const { digest } of [top, inner, own.manifest]) {
      t.equal((await pull(`@${digest}`)).id, image.id, 'content that is here is not asked for');
      t.equal((await images.find(`${name}@${digest}`))?.id, image.id);
    }
    t.equal(registry.seen.length, asked);
  },
);

t.test('a tag that did not move costs one HEAD; one that moved brings the new image', async (t) => {
  const { registry, images, pull } = await rig(t);
  registry.image('app', '1', { layers: smallLayers() });
  const first = await pull('1');
  const asked = registry.seen.length;
  t.strictSame(await pull('1'), first);
  t.strictSame(
    registry.seen.slice(asked).map(({ method, url }) => [method, url]),
    [['HEAD', '/v2/app/manifests/1']],
  );
  registry.image('app', '1', { layers: [...smallLayers(), layer('new', 'n')] });
  const second = await pull('1');
  t.not(second.id, first.id);
  t.strictSame((await images.find(first.id))?.tags, [], 'the older one has lost its name');
  t.equal(registry.count('GET', /blobs/), 5, 'of the second only what is new');
});

t.test(
  'Docker v2s2 and manifests without a media type are images, whatever the header says',
  async (t) => {
    const { registry, pull } = await rig(t);
    registry.image('app', 'docker', { layers: smallLayers() }, (m) => ({
      ...m,
      mediaType: types.dockerManifest,
    }));
    registry.image('app', 'bare', { layers: smallLayers() }, ({ mediaType: _, ...rest }) => rest);
    await pull('docker');
    registry.meet = (request, response, url) => {
      const found = registry.manifests.get('app:bare');
      if (request.method !== 'GET' || !url.endsWith('/manifests/bare') || found === undefined)
        return false;
      return send(response, 200, found.bytes, { 'content-type': 'application/octet-stream' });
    };
    await pull('bare');
  },
);

t.test('what is no image for this machine is refused with the reason', async (t) => {
  const { registry, images, pull } = await rig(t);
  const arm = registry.image('app', undefined, { layers: smallLayers(), architecture: 'arm64' });
  const put = (tag: string, type: string, value: object) =>
    registry.manifest('app', tag, type, value);
  put('arm', types.index, { schemaVersion: 2, manifests: [{ ...arm.manifest, platform: arm64 }] });
  put('empty', types.index, { schemaVersion: 2, manifests: [] });
  put('schema1', 'application/vnd.docker.distribution.manifest.v1+prettyjws', {
    schemaVersion: 1,
    fsLayers: [],
  });
  put('both', types.index, { schemaVersion: 2, manifests: [], layers: [], config: {} });
  put('nothing', types.manifest, { schemaVersion: 2 });
  registry.image('app', 'chart', { layers: smallLayers() }, (m) => ({
    ...m,
    artifactType: 'application/vnd.example.chart',
    config: { ...(m['config'] as object), mediaType: 'application/vnd.oci.empty.v1+json' },
  }));
  const unknown = {
    md5: `md5:${'a'.repeat(32)}`,
    blake3: `blake3:${'a'.repeat(64)}`,
    short: `sha512:${'a'.repeat(64)}`,
    path: `sha256:../../${'a'.repeat(58)}`,
    upper: `sha256:${'A'.repeat(64)}`,
  };
  for (const [tag, digest] of Object.entries(unknown)) {
    const layers = [{ mediaType: types.layer, size: 1, digest }];
    registry.image('app', tag, { layers: smallLayers() }, (m) => ({ ...m, layers }));
  }
  registry.image('app', 'fewer', { layers: smallLayers() }, (m) => ({ ...m, layers: [] }));
  registry.image('app', 'huge', { layers: smallLayers() }, (m) => ({
    ...m,
    config: { ...(m['config'] as object), size: 2 ** 40 },
  }));
  let nested: object = arm.manifest;
  for (let depth = 0; depth < 6; depth++)
    nested = put('deep', types.index, { schemaVersion: 2, manifests: [nested] });
  const noDigest = /layers.digest is not sha256 or sha512 digest/;
  const reasons: Readonly<Record<string, RegExp>> = {
    arm: /index sha256:\w+ of .*app holds no image for linux\/amd64, only for linux\/arm64/,
    empty: /holds no image at all/,
    schema1: /the format "Docker schema 1", given up by all registries and tools; push it anew/,
    both: /the document is an index and an image at once/,
    nothing: /read manifest sha256:\w+: config is not/,
    chart: /is no container image, but an artifact of the type application\/vnd.example.chart/,
    ...Object.fromEntries(Object.keys(unknown).map((tag) => [tag, noDigest])),
    fewer: /has 0 layers, but its configuration names 2/,
    huge: /its manifest cannot be right/,
    deep: /nested more than 4 deep/,
  };
  for (const [tag, message] of Object.entries(reasons)) {
    await t.rejects(pull(tag), { name: 'ImageError', message }, tag);
  }
  t.strictSame(await images.list(), []);
});

t.test('a manifest with another digest than the one asked for is not taken', async (t) => {
  const { registry, pull } = await rig(t);
  const { manifest } = registry.image('app', '1', { layers: smallLayers() });
  registry.manifests.set(`app@${manifest.digest}`, {
    type: types.manifest,
    bytes: Buffer.from('{}'),
  });
  await t.rejects(pull(`@${manifest.digest}`), {
    code: 'Registry',
    message: /the manifest has the digest sha256:44136fa\w+, not sha256/,
  });
  registry.meet = (_request, response, url) =>
    url.includes('manifests') &&
    send(response, 200, '<html>login</html>', { 'content-type': 'text/html' });
  await t.rejects(pull('1'), {
    message: /a web page: this is no registry, or a proxy is in the way/,
  });
});

t.test('a layer whose content is not what the configuration says is not kept', async (t) => {
  const { registry, images, pull } = await rig(t);
  const [lower = Buffer.alloc(0), upper = Buffer.alloc(0)] = smallLayers();
  registry.image('app', '1', { layers: [lower, upper] }, (m) => ({
    ...m,
    layers: [...(m['layers'] as object[])].reverse(),
  }));
  await t.rejects(pull('1'), {
    code: 'InvalidArchive',
    message: /pull .*unpack layer sha256:\w+: its content is sha256/,
  });
  t.strictSame(await images.list(), []);
});

t.test('referrers are read page by page, or from their tag where there is no API', async (t) => {
  const { registry } = await rig(t);
  const subject = registry.image('app', '1', { layers: smallLayers() }).manifest
    .digest as `sha256:${string}`;
  const signature = {
    mediaType: types.manifest,
    digest: digestOf('s'),
    size: 1,
    artifactType: 'x/signature',
  };
  const bill = { ...signature, digest: digestOf('b'), artifactType: 'x/bill' };
  const trust = await Gatekeeper.open({ root: '/dev/null', images: () => [] });
  const store = new Registry({ dataDir: directory(), env: {}, trust });
  const endpoint = await registryEndpoint(`${registry.host}/app`, {});
  const repository = new Repository(store.parts, endpoint, { credentials: {}, actions: 'pull' });
  t.strictSame(await referrers(repository, subject), []);
  registry.manifest('app', `sha256-${subject.slice(7)}`, types.index, {
    schemaVersion: 2,
    manifests: [signature, bill],
  });
  t.match(await referrers(repository, subject, { artifactType: 'x/bill' }), [
    { digest: bill.digest },
  ]);
  registry.meet = (_request, response, url) => {
    if (!url.includes('/referrers/')) return false;
    const isSecond = url.includes('last=');
    const headers = isSecond ? {} : { link: `</v2/app/referrers/${subject}?last=1>; rel="next"` };
    return send(
      response,
      200,
      JSON.stringify({ schemaVersion: 2, manifests: [isSecond ? bill : signature] }),
      headers as Record<string, string>,
    );
  };
  const all = await referrers(repository, subject);
  t.strictSame(
    all.map(({ digest }) => digest),
    [signature.digest, bill.digest],
  );
  store.parts.transport.close();
});
