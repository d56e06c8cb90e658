/** Each way a registry can fail in the middle: what helps is tried, and nothing half done is ever seen. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BadRegistry, send } from '../../../support/bad-registry.ts';
import { folder } from '../../../support/image-store.ts';
import { impatientStore, largeLayer, smallLayers } from '../../../support/registry-store.ts';
import { needsRoot, scratch } from '../../../support/scratch.ts';

interface Teardown {
  teardown(run: () => unknown): void;
  strictSame(found: unknown, wanted: unknown): unknown;
}

needsRoot();
const directory = scratch('registry-faults');

async function rig(t: Teardown) {
  const registry = await BadRegistry.start();
  t.teardown(() => registry.close());
  const dataDir = directory();
  const images = await impatientStore(dataDir);
  const name = `${registry.host}/app:1`;
  const nothing = () => {
    t.strictSame(folder(dataDir, 'blobs/sha256'), []);
    t.strictSame(folder(dataDir, 'layers'), []);
  };
  return { registry, dataDir, images, name, nothing };
}

const isBlob = (url: string) => /\/blobs\/sha256:/.test(url);

t.test('a connection cut in mid body is gone on with where it stopped', async (t) => {
  const { registry, images, name, dataDir } = await rig(t);
  const { layers } = registry.image('app', '1', { layers: [largeLayer(3_000_000)] });
  const large = layers[0]?.digest ?? '';
  let cuts = 0;
  registry.meet = (request, response, url) => {
    if (!url.endsWith(large) || cuts >= 4) return false;
    cuts += 1;
    const bytes = registry.blobs.get(large) ?? Buffer.alloc(0);
    const start = Number(/\d+/.exec(request.headers.range ?? '0')?.[0]);
    const status = start === 0 ? 200 : 206;
    response.writeHead(status, {
      'content-length': bytes.length - start,
      ...(start === 0
        ? {}
        : { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    });
    response.write(bytes.subarray(start, start + 600_000), () => response.destroy());
    return true;
  };
  const image = await images.pull(name);
  t.equal(cuts, 4);
  const ranges = registry.seen
    .filter(({ url }) => url.endsWith(large))
    .map(({ headers }) => headers.range);
  t.equal(ranges[0], undefined);
  t.ok(
    ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? '')),
    ranges.join(),
  );
  t.equal(image.sizeBytes, 3_000_000);
  t.strictSame(folder(dataDir, 'downloads'), []);
});

t.test('a registry without ranges is begun with anew', async (t) => {
  const { registry, images, name } = await rig(t);
  const { layers } = registry.image('app', '1', { layers: [largeLayer(500_000)] });
  const large = layers[0]?.digest ?? '';
  let asked = 0;
  registry.meet = (_request, response, url) => {
    if (!url.endsWith(large)) return false;
    const bytes = registry.blobs.get(large) ?? Buffer.alloc(0);
    asked += 1;
    response.writeHead(200, { 'content-length': bytes.length });
    if (asked > 1) response.end(bytes);
    else response.write(bytes.subarray(0, 100_000), () => response.destroy());
    return true;
  };
  await images.pull(name);
  t.equal(asked, 2);
});

t.test('a range that is not the one asked for is not taken', async (t) => {
  const { registry, images, name } = await rig(t);
  const { layers } = registry.image('app', '1', { layers: [largeLayer(500_000)] });
  const large = layers[0]?.digest ?? '';
  let asked = 0;
  registry.meet = (_request, response, url) => {
    asked += url.endsWith(large) ? 1 : 0;
    if (!url.endsWith(large) || asked > 2) return false;
    const bytes = registry.blobs.get(large) ?? Buffer.alloc(0);
    if (asked === 1) {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 100_000), () => response.destroy());
      return true;
    }
    return send(response, 206, bytes.subarray(7), {
      'content-range': `bytes 7-${bytes.length - 1}/*`,
    });
  };
  await images.pull(name);
  t.equal(asked, 3);
});

const endings = {
  'too short': {
    body: (bytes: Buffer) => bytes.subarray(0, -10),
    message: /the stream ended after \d+ of \d+ bytes; given up after 3 tries/,
  },
  'too long': {
    body: (bytes: Buffer) => Buffer.concat([bytes, bytes]),
    message: /sends more than the \d+ bytes its manifest names/,
  },
  'of other content': {
    body: (bytes: Buffer) => Buffer.alloc(bytes.length),
    message:
      /the content has the digest sha256:\w+, not sha256:\w+; the registry or a proxy damages it/,
  },
};
for (const [what, { body, message }] of Object.entries(endings)) {
  t.test(`a blob that is ${what} is refused`, async (t) => {
    const { registry, images, name, nothing } = await rig(t);
    registry.image('app', '1', { layers: smallLayers() });
    registry.meet = (_request, response, url) => {
      if (!isBlob(url)) return false;
      return send(response, 200, body(registry.blobs.get(url.slice(-71)) ?? Buffer.alloc(0)));
    };
    await t.rejects(images.pull(name), { code: 'Registry', message });
    t.strictSame(await images.list(), []);
    nothing();
    registry.meet = () => false;
    await images.pull(name);
  });
}

t.test('an endless blob is cut off at its size, an endless manifest at 8 MiB', async (t) => {
  const { registry, images, name, dataDir } = await rig(t);
  registry.image('app', '1', { layers: smallLayers() });
  let isEndless = isBlob;
  registry.meet = (_request, response, url) => {
    if (!isEndless(url)) return false;
    response.writeHead(200);
    const pour = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65536)));
    };
    response.on('drain', pour);
    pour();
    return true;
  };
  await t.rejects(images.pull(name), { message: /sends more than/ });
  isEndless = (url) => url.includes('/manifests/');
  await t.rejects(images.pull(name), { message: /the answer is longer than 8388608 bytes/ });
  isEndless = (url) => url === '/v2/';
  t.ok(
    await (await impatientStore(directory())).pull(name).catch(() => undefined),
    'of the greeting only the start is read',
  );
  t.strictSame(readdirSync(join(dataDir, 'images/blobs/sha256')), []);
});

t.test('a registry that falls silent is given up', async (t) => {
  const { registry, images, name } = await rig(t);
  registry.image('app', '1', { layers: smallLayers() });
  let isSilent = (url: string) => url.includes('/manifests/');
  registry.meet = (_request, response, url) => {
    if (!isSilent(url)) return false;
    if (isBlob(url)) response.writeHead(200).write('x');
    return true;
  };
  await t.rejects(images.pull(name), {
    message: /no byte came or went for 0.3 s; given up after 3 tries/,
  });
  isSilent = isBlob;
  await t.rejects(images.pull(name), { message: /no byte came or went for 0.3 s/ });
});

t.test('a registry that dies half way is told of; later the rest is fetched', async (t) => {
  const { registry, images, name, dataDir, nothing } = await rig(t);
  const { layers } = registry.image('app', '1', {
    layers: [...smallLayers(), largeLayer(500_000)],
  });
  const large = layers[2]?.digest ?? '';
  let isDead = false;
  registry.meet = (_request, response, url) => {
    if (isDead) response.destroy();
    if (isDead || !url.endsWith(large)) return isDead;
    isDead = true;
    const bytes = registry.blobs.get(large) ?? Buffer.alloc(0);
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 100_000), () => response.destroy());
    return true;
  };
  await t.rejects(images.pull(name), {
    code: 'Registry',
    message: /pull \S+\/app:1: GET http:\S+\/blobs\/sha256:\w+: .*given up after 3 tries/,
  });
  t.strictSame(await images.list(), []);
  nothing();
  t.ok(folder(dataDir, 'downloads').includes(large.slice(7)), 'what came is kept');
  isDead = false;
  registry.meet = () => false;
  registry.seen.length = 0;
  t.strictSame((await images.pull(name)).tags, [name]);
  t.match(
    registry.seen.find(({ url }) => url.endsWith(large))?.headers.range,
    /^bytes=[1-9]\d*-$/,
    'the rest of it',
  );
  t.strictSame(folder(dataDir, 'downloads'), []);
});

t.test('what a layer is, its content says, whatever its media type', async (t) => {
  const { registry, images, name, nothing } = await rig(t);
  const typed = (mediaType: string) => (m: Record<string, unknown>) => ({
    ...m,
    layers: (m['layers'] as object[]).map((each) => ({ ...each, mediaType })),
  });
  for (const type of ['vnd.oci.image.layer.v1.tar+zstd', 'vnd.oci.image.layer.v1.tar', 'x.odd']) {
    registry.image('app', '1', { layers: smallLayers() }, typed(`application/${type}`));
    t.strictSame((await images.pull(name)).tags, [name], type);
    await images.remove(name);
  }
  const encrypted = Buffer.from('encrypted '.repeat(200));
  const { digest, size } = registry.blob('x', encrypted);
  const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted';
  registry.image('app', '1', { layers: [smallLayers()[0] ?? encrypted] }, (m) => ({
    ...m,
    layers: [{ mediaType, digest, size }],
  }));
  await t.rejects(images.pull(name), { code: 'InvalidArchive', message: /not a tar header/ });
  t.strictSame(await images.list(), []);
  nothing();
});
