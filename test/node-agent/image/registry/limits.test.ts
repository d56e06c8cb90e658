/** Limits, detours and crowds: waits that a registry asks for, redirects, pulls side by side, pulls given up. */
import t from 'tap';
import { BadRegistry, refuse, send } from '../../../support/bad-registry.ts';
import { folder } from '../../../support/image-store.ts';
import { impatientStore, largeLayer, smallLayers } from '../../../support/registry-store.ts';
import { needsRoot, scratch } from '../../../support/scratch.ts';

interface Teardown {
  teardown(run: () => unknown): void;
}

needsRoot();
const directory = scratch('registry-limits');

async function rig(t: Teardown) {
  const registry = await BadRegistry.start();
  t.teardown(() => registry.close());
  const dataDir = directory();
  const images = await impatientStore(dataDir);
  const name = `${registry.host}/app:1`;
  return { registry, dataDir, images, name };
}

const isBlob = (url: string) => /\/blobs\/sha256:/.test(url);

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
    response.setHeader('ratelimit-limit', '100;w=21600');
    response.setHeader('ratelimit-remaining', '0;w=21600');
    refuse(response, 429, 'TOOMANYREQUESTS', 'You have reached your pull rate limit');
    return true;
  };
  await t.rejects(images.pull(name), {
    code: 'Registry',
    message:
      /answered 429 Too Many Requests \(TOOMANYREQUESTS: You have reached your pull rate limit\); its limit: 100 requests in 6 h, 0 left; the registry asks to wait 3600 s; the limit of the registry is reached/,
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
