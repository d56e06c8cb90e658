/** Content that is called by its SHA-512: loaded, pulled, kept, checked, saved and pushed as it came. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { chainIds, type Digest, digestOf, hexOf } from '#node-agent/image/digest.ts';
import { openImages } from '#node-agent/image/image-store.ts';
import type { Images } from '#node-agent/image/images.ts';
import { saveImages } from '#node-agent/image/save.ts';
import { BadRegistry, types } from '../../support/bad-registry.ts';
import {
  described512,
  image512,
  json,
  layout512,
  of512,
  pieces,
} from '../../support/image-archives.ts';
import { folder, loadEntries } from '../../support/image-store.ts';
import { impatientStore } from '../../support/registry-store.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';

needsRoot();
const directory = scratch('sha512');
const tag = 'reg.example/app:1';
async function loaded(images: Images) {
  const made = image512();
  const [image] = await loadEntries(images, layout512(made, tag));
  if (image === undefined) throw new Error('nothing was loaded');
  return { made, image };
}

t.test('a layout is loaded, verified by it and saved as it came', async (t) => {
  const dataDir = directory();
  const images = await openImages({ dataDir });
  const { made, image } = await loaded(images);
  t.equal(image.digest, of512(made.manifest));
  t.equal(image.id, of512(made.config));
  const paths = await images.layers(image);
  const [lowest = '', upper = ''] = chainIds(made.diffIds).map(hexOf);
  t.strictSame(folder(dataDir, 'layers'), [lowest, upper].sort());
  t.equal(lowest.length, 128, 'the lowest is its own diff ID');
  t.equal(upper.length, 64, 'a chain is SHA-256');
  t.equal(paths.length, 2);
  const all = [made.config, made.manifest, ...made.layers].map((bytes) => hexOf(of512(bytes)));
  t.strictSame(folder(dataDir, 'blobs/sha512'), all.sort());
  t.strictSame(folder(dataDir, 'blobs/sha256'), []);
  for (const name of [image.id, image.id.slice(7, 20), `app@${image.digest}`, tag])
    t.equal((await images.find(name))?.digest, image.digest, name);
  const saved = await buffer(await saveImages(images.shelf(), [tag]));
  const other = await openImages({ dataDir: directory() });
  t.match(await other.load(pieces(saved)), [{ digest: image.digest, id: image.id }]);
  await images.remove(image.id);
  for (const name of ['blobs/sha512', 'layers']) t.strictSame(folder(dataDir, name), [], name);
});

t.test('content with another SHA-512 is not taken', async (t) => {
  const dataDir = directory();
  const images = await openImages({ dataDir });
  const made = image512();
  const entries = layout512(made, tag);
  for (const index of [2, 3, 5]) {
    const changed = entries.map((entry, i) =>
      i === index
        ? { ...entry, content: Buffer.concat([entry.content as Buffer, json(1)]) }
        : entry,
    );
    await t.rejects(loadEntries(images, changed), {
      code: 'InvalidArchive',
      message: /'blobs\/sha512\/\w+' should have \d+ bytes with the digest sha512:\w+, but has/,
    });
  }
  const wrong = { ...made, config: json({ rootfs: { type: 'layers', diff_ids: made.diffIds } }) };
  const rootfs = { type: 'layers', diff_ids: [made.diffIds[1], made.diffIds[0]] };
  wrong.config = json({ architecture: 'amd64', os: 'linux', rootfs });
  wrong.manifest = json({
    schemaVersion: 2,
    config: described512(types.config, wrong.config),
    layers: made.layers.map((bytes) => described512(types.layer, bytes)),
  });
  await t.rejects(loadEntries(images, layout512(wrong, tag)), {
    message: /unpack layer sha512:\w+: its content is sha512:/,
  });
  for (const name of ['blobs/sha512', 'blobs/sha256', 'layers', 'incoming'])
    t.strictSame(folder(dataDir, name), [], name);
});

t.test('blobs damaged on the disk are told from sound ones', async (t) => {
  const dataDir = directory();
  const images = await openImages({ dataDir });
  const { image } = await loaded(images);
  const { blobs } = images.shelf().content;
  const digests = [image.digest, image.id] as Digest[];
  t.equal(await blobs.areSound(digests), true);
  writeFileSync(join(dataDir, 'images/blobs/sha512', image.id.slice(7)), 'damaged');
  t.equal(await blobs.areSound(digests), false);
});

async function served(t: Test) {
  const registry = await BadRegistry.start();
  t.teardown(() => registry.close());
  const made = image512();
  for (const bytes of [made.config, ...made.layers]) registry.blobs.set(of512(bytes), bytes);
  const document = { type: types.manifest, bytes: made.manifest };
  registry.manifests.set(`app@${of512(made.manifest)}`, document);
  registry.manifests.set('app:1', document);
  return { registry, made, images: await impatientStore(directory()) };
}

t.test('pulled by its digest, or as a part of what has a SHA-256, and pushed on', async (t) => {
  const { registry, made, images } = await served(t);
  const name = `${registry.host}/app`;
  const byDigest = await images.pull(`${name}@${of512(made.manifest)}`);
  t.equal(byDigest.digest, of512(made.manifest));
  t.equal(byDigest.id, of512(made.config));
  const other = await impatientStore(directory());
  t.equal((await other.pull(`${name}:1`)).digest, digestOf(made.manifest));
  t.equal((await images.layers(byDigest)).length, 2);
  await images.tag(byDigest.id, `${name}/copy:2`);
  registry.blobs.clear();
  t.strictSame(
    await images.push(`${name}/copy:2`),
    { digest: digestOf(made.manifest) },
    'as the registry calls it',
  );
  t.strictSame(
    [...registry.blobs.keys()].sort(),
    [made.config, ...made.layers].map(of512).sort(),
    'each by its own name, checked by the registry',
  );
  t.ok(registry.manifests.get('app/copy:2')?.bytes.equals(made.manifest));
});

t.test('a registry that gives something else is not believed', async (t) => {
  const { registry, made, images } = await served(t);
  const [first = Buffer.alloc(0)] = made.layers;
  registry.blobs.set(of512(first), Buffer.alloc(first.length));
  await t.rejects(images.pull(`${registry.host}/app:1`), {
    message: /the content has the digest sha512:\w+, not sha512:\w+; the registry or a proxy/,
  });
  registry.manifests.set(`app@${of512(made.manifest)}`, {
    type: types.manifest,
    bytes: Buffer.from('{}'),
  });
  await t.rejects(images.pull(`${registry.host}/app@${of512(made.manifest)}`), {
    message: /the manifest has the digest sha512:\w+, not sha512:/,
  });
  t.strictSame(await images.list(), []);
});
