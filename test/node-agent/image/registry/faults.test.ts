/** Each way a registry can fail in the middle: what helps is tried, and nothing half done is ever seen. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BadRegistry, refuse, send } from '../../../support/bad-registry.ts';
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

t.test('429 and 5xx are tried again after the time asked for', async (t) => {
  const { registry, images, name } = await rig(t);
  registry.image('app', '1', { layers: smallLayers() });
  const statuses = [429, 503, 500, 502];
  registry.meet = (_request, response, url) => {
    // Two failures each for the manifest and a blob: three tries in a row are allowed.
    if (!(url.includes('/manifests/') ? statuses.length > 2 : isBlob(url) && statuses.length > 0))
      return false;
    const status = statuses.shift() ?? 0;
    const headers = status === 429 ? { 'retry-after': '0' } : {};
    return send(response, status, 'busy', headers);
  };
  await images.pull(name);
  t.strictSame(statuses, []);
});

t.test('a long wait is not waited for, but told', async (t) => {
  const { registry, images, name } = await rig(t);
  registry.meet = (_request, response, url) => {
    if (!url.includes('/manifests/')) return false;
    response.setHeader('retry-after', '3600');
    refuse(response, 429, 'TOOMANYREQUESTS', 'You have reached your pull rate limit');
    return true;
  };
  await t.rejects(images.pull(name), {
    code: 'Registry',
    message:
      /answered 429 Too Many Requests \(TOOMANYREQUESTS: You have reached your pull rate limit\); the registry asks to wait 3600 s; the limit of the registry is reached/,
  });
});

t.test('5xx for ever ends with the last answer and the number of tries', async (t) => {
  const { registry, images, name } = await rig(t);
  registry.meet = (_request, response) => send(response, 503, '<html><b>down</b> for <i>now</i>');
  await t.rejects(images.pull(name), {
    message: `pull ${name}: GET http://${registry.host}/v2/: answered 503 Service Unavailable (down for now); given up after 3 tries; the registry has a fault: try again later`,
  });
});

t.test('redirects are followed without credentials, circles are seen', async (t) => {
  const { registry, images, name } = await rig(t);
  const storage = await BadRegistry.start();
  t.teardown(() => storage.close());
  const { layers } = registry.image('app', '1', { layers: smallLayers() });
  for (const { digest } of layers) storage.blobs.set(digest, registry.blobs.get(digest) as Buffer);
  registry.meet = (_request, response, url) => {
    if (!layers.some(({ digest }) => url.endsWith(digest))) return false;
    const location = `http://${storage.host}/v2/app/blobs/${url.slice(-71)}?signature=secret`;
    return send(response, 307, '', { location });
  };
  await images.pull(name);
  t.equal(storage.count('GET', /signature=secret/), 2);
  t.ok(storage.seen.every(({ headers }) => headers.authorization === undefined));
  registry.image('app', '2', { layers: [largeLayer(10)] });
  const other = `${registry.host}/app:2`;
  registry.meet = (_request, response, url) =>
    isBlob(url) && send(response, 302, '', { location: url });
  await t.rejects(images.pull(other), { message: /it redirects in a circle/ });
  let number = 0;
  registry.meet = (_request, response, url) =>
    isBlob(url) &&
    send(response, 302, '', {
      location: `${url.slice(0, url.indexOf('sha256'))}sha256:${number++}`,
    });
  await t.rejects(images.pull(other), { message: /it redirects in a circle \(11 times\)/ });
});

t.test('the same blob is fetched once for all pulls that want it', async (t) => {
  const { registry, images, dataDir } = await rig(t);
  const layers = [largeLayer(200_000)];
  for (const tag of ['1', '2', '3']) registry.image('app', tag, { layers, config: { Env: [tag] } });
  const pulled = await Promise.all(
    ['1', '2', '3', '3'].map((tag) => images.pull(`${registry.host}/app:${tag}`)),
  );
  t.equal(new Set(pulled.map(({ id }) => id)).size, 3);
  t.equal(registry.count('GET', /blobs/), 4, 'one layer and three configurations');
  t.strictSame(folder(dataDir, 'downloads'), []);
  t.equal(folder(dataDir, 'layers').length, 1);
});

t.test('a pull that is cancelled ends at once; another that wants the same goes on', async (t) => {
  const { registry, images, name, dataDir } = await rig(t);
  registry.image('app', '1', { layers: [largeLayer(200_000)] });
  const held = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  registry.meet = (_request, response, url) => {
    if (!isBlob(url) || (registry.blobs.get(url.slice(-71))?.length ?? 0) < 1000) return false;
    const bytes = registry.blobs.get(url.slice(-71)) as Buffer;
    response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 1000));
    asked.resolve();
    void held.promise.then(() => response.end(bytes.subarray(1000)));
    return true;
  };
  const controller = new AbortController();
  const cancelled = images.pull(name, { signal: controller.signal });
  const other = images.pull(name);
  await asked.promise;
  controller.abort();
  await t.rejects(cancelled, { code: 'Cancelled', message: `pull ${name}: cancelled` });
  held.resolve();
  t.equal((await other).tags[0], name);
  t.equal(registry.count('GET', /blobs/), 2);
  const late = images.pull(name, { signal: AbortSignal.abort() });
  await t.rejects(late, { code: 'Cancelled' });
  t.strictSame(folder(dataDir, 'downloads'), []);
});
