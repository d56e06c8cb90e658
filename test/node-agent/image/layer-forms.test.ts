/** A store whose layers are directories, EROFS images, or both. */
import { closeSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openLayers } from '#native/layer-mounts.ts';
import { openMerged } from '#native/layers.ts';
import { openImages } from '#node-agent/image/image-store.ts';
import type { LocalImage } from '#node-agent/image/images.ts';
import { type LayerChoice, LayerForms } from '#node-agent/image/layer-forms.ts';
import type { NodeImages } from '#node-agent/image/node-images.ts';
import { needsErofs } from '../../support/erofs-layer.ts';
import { dockerArchive } from '../../support/image-archives.ts';
import { folder, loadEntries, loadTagged } from '../../support/image-store.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { tar } from '../../support/tar-builder.ts';

needsRoot();
await needsErofs();
const directory = scratch('layer-forms');
const choices: readonly LayerChoice[] = ['directories', 'erofs', 'auto'];
const isFile = (path: string) => statSync(path).isFile();

/** The names in the merged layers' root, and the content of a file there. */
async function seen(images: NodeImages, image: LocalImage, file: string): Promise<string> {
  const root = openMerged((await images.layers(image)).toReversed());
  try {
    const path = `/proc/self/fd/${root}`;
    return `${readdirSync(path).sort()}: ${readFileSync(join(path, file), 'utf8')}`;
  } finally {
    closeSync(root);
  }
}

for (const layers of choices) {
  t.test(`${layers}: layers have that form, and show what is in them`, async (t) => {
    const dataDir = directory();
    const images = await openImages({ dataDir, layers });
    const image = await loadTagged(images, ['a:1'], 'content');
    const paths = await images.layers(image);
    t.strictSame(
      paths.map(isFile),
      paths.map(() => layers !== 'directories'),
    );
    t.equal(await seen(images, image, 'own'), 'own,shared: content');
    t.equal(folder(dataDir, 'layers').length, 2, 'nothing lies beside them');
    t.equal((await images.usage(new Set())).sizeBytes, 'scontent'.length);
    await images.remove('a:1');
    t.strictSame(folder(dataDir, 'layers'), []);
    await images.close();
  });

  t.test(`${layers}: whiteouts, users and a changed file of an image of two layers`, async (t) => {
    const images = await openImages({ dataDir: directory(), layers });
    const lower = tar([
      { name: 'etc/passwd', content: 'app:x:7:8::/srv:/bin/sh\n' },
      { name: 'gone', content: 'x' },
      { name: 'opaque/old', content: 'x' },
    ]);
    const upper = tar([
      { name: '.wh.gone' },
      { name: 'opaque/.wh..wh..opq' },
      { name: 'opaque/new', content: 'n' },
    ]);
    const [image] = await loadEntries(
      images,
      dockerArchive([{ layers: [lower, upper], tags: ['b:1'] }]),
    );
    if (image === undefined) return t.fail('nothing was loaded');
    t.equal(await seen(images, image, 'opaque/new'), 'etc,opaque: n');
    t.match(await images.resolveUser(image, 'app'), { uid: 7, gid: 8, home: '/srv' });
    t.strictSame(await images.resolveUser(image, 'app'), await images.resolveUser(image, '7'));
    await images.close();
  });

  t.test(`${layers}: an archive that lies leaves nothing`, async (t) => {
    const dataDir = directory();
    const images = await openImages({ dataDir, layers });
    const evil = tar([
      { name: 'fine', content: 'x' },
      { name: '../x', content: 'x' },
    ]);
    const archive = dockerArchive([{ layers: [evil], tags: ['evil:1'] }]);
    await t.rejects(loadEntries(images, archive), { code: 'InvalidArchive', message: /'\.\.\/x'/ });
    t.strictSame(folder(dataDir, 'layers'), []);
    await images.close();
  });
}

t.test('both forms stand side by side; a layer that stands keeps its form', async (t) => {
  const dataDir = directory();
  const before = await openImages({ dataDir, layers: 'directories' });
  const old = await loadTagged(before, ['old:1'], 'old');
  const after = await openImages({ dataDir, layers: 'erofs' });
  const fresh = await loadTagged(after, ['new:1'], 'new');
  t.strictSame((await after.layers(fresh)).map(isFile), [false, true]);
  for (const images of [before, after]) {
    t.equal(await seen(images, old, 'own'), 'own,shared: old');
    t.equal(await seen(images, fresh, 'own'), 'own,shared: new');
  }
  await before.remove('new:1');
  t.equal(folder(dataDir, 'layers').length, 2);
  await after.remove('old:1');
  t.strictSame(folder(dataDir, 'layers'), []);
  await Promise.all([before.close(), after.close()]);
});

t.test('two who unpack the same layer in two forms: one of them counts', async (t) => {
  const dataDir = directory();
  const both = await Promise.all(
    (['directories', 'erofs'] as const).map((layers) => openImages({ dataDir, layers })),
  );
  await Promise.all(both.map((images) => loadTagged(images, ['a:1'], 'same')));
  t.equal(folder(dataDir, 'layers').length, 2);
  const [image] = (await both[0]?.list()) ?? [];
  if (image === undefined) return t.fail('nothing was loaded');
  for (const images of both) t.equal(await seen(images, image, 'own'), 'own,shared: same');
  await Promise.all(both.map((images) => images.close()));
});

t.test('a file that somebody has mounted stays while he has it', async (t) => {
  const dataDir = directory();
  const images = await openImages({ dataDir, layers: 'erofs' });
  const image = await loadTagged(images, ['a:1']);
  const [, own = ''] = await images.layers(image);
  const opened = await openLayers([own]);
  await images.remove('a:1');
  t.strictSame(
    folder(dataDir, 'layers').map((name) => join(dataDir, 'images/layers', name)),
    [own],
  );
  opened.close();
  await (await openImages({ dataDir })).close();
  t.strictSame(folder(dataDir, 'layers'), []);
  await images.close();
});

t.test('a damaged file is unpacked anew', async (t) => {
  const dataDir = directory();
  const images = await openImages({ dataDir, layers: 'erofs' });
  const image = await loadTagged(images, ['a:1'], 'content');
  const [, own = ''] = await images.layers(image);
  for (const bytes of ['', 'x'.repeat(10_000)]) {
    // Another file of that name: who has mounted the old one goes on.
    writeFileSync(`${own}.x`, bytes);
    renameSync(`${own}.x`, own);
    await Promise.all([images.layers(image), images.layers(image)]);
    t.equal(await seen(images, image, 'own'), 'own,shared: content');
  }
  t.equal(folder(dataDir, 'layers').length, 2);
  await images.close();
});

t.test('200 images come and go: no mount, no descriptor, no file is left', async (t) => {
  const dataDir = directory();
  const images = await openImages({ dataDir, layers: 'erofs' });
  const counts = () => [
    readdirSync('/proc/self/fd').length,
    readFileSync('/proc/self/mountinfo', 'utf8').match(/ - erofs /g)?.length ?? 0,
  ];
  await loadTagged(images, ['kept:1']);
  await seen(images, (await images.list())[0] as LocalImage, 'own');
  const before = counts();
  for (let i = 0; i < 200; i++) {
    const image = await loadTagged(images, [`n:${i}`]);
    await seen(images, image, 'own');
    await images.remove(`n:${i}`);
  }
  t.strictSame(counts(), before);
  t.equal(folder(dataDir, 'layers').length, 2);
  await images.close();
});

t.test('the environment says it where nothing else does', (t) => {
  t.intercept(process, 'env', { value: { ...process.env, BAY_LAYERS: 'paper' } });
  t.throws(() => new LayerForms(undefined), {
    message: /BAY_LAYERS is 'paper': it must be one of auto, erofs, directories/,
  });
  t.doesNotThrow(() => new LayerForms('auto'));
  t.end();
});
