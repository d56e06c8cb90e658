/** What images are called: references, tags, IDs. */
import t from 'tap';
import { openImages } from '#node-agent/image/image-store.ts';
import { loadTagged } from '../../support/image-store.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';

needsRoot();
const directory = scratch('names');

t.test('an image is found by every name it goes by', async (t) => {
  const images = await openImages({ dataDir: directory() });
  const hub = await loadTagged(images, ['busybox:1.36', 'team/app']);
  const ours = await loadTagged(images, ['bayplan.local/busybox:latest']);
  const port = await loadTagged(images, ['localhost:5000/x/y:v1']);
  const id = async (reference: string) => (await images.find(reference))?.id;
  t.equal(await id('busybox:1.36'), hub.id);
  t.equal(await id('docker.io/library/busybox:1.36'), hub.id);
  t.equal(await id('index.docker.io/library/busybox:1.36'), hub.id);
  t.equal(await id('team/app'), hub.id);
  t.equal(await id('docker.io/team/app:latest'), hub.id);
  t.equal(await id('bayplan.local/busybox:latest'), ours.id);
  t.equal(await id('bayplan.local/busybox'), ours.id);
  t.equal(await id('busybox'), ours.id, 'a short name is looked for among the local ones, too');
  t.equal(await id('localhost:5000/x/y:v1'), port.id);
  t.equal(await id(hub.id), hub.id);
  t.equal(await id(hub.id.slice(7)), hub.id);
  t.equal(await id(hub.id.slice(7, 19)), hub.id);
  t.equal(await id(`team/app@${hub.digest}`), hub.id);
  t.equal(await id(`team/app:other@${hub.digest}`), hub.id);
  t.equal(await id('busybox:2'), undefined);
  t.equal(await id('team/busybox'), undefined);
  t.equal(await id('x/y:v1'), undefined);
  t.equal(await id(`team/app@sha256:${'0'.repeat(64)}`), undefined);
  t.equal((await images.list()).length, 3);
});

t.test('what is no reference is refused with how to write one', async (t) => {
  const images = await openImages({ dataDir: directory() });
  const bad = [
    '',
    'Upper',
    'a/B',
    'a b',
    'name:',
    ':tag',
    'a//b',
    '../x',
    'x@sha256:12',
    `${'a'.repeat(300)}`,
    '-x',
    'a:b:c',
  ];
  for (const reference of bad) {
    await t.rejects(
      images.find(reference),
      {
        name: 'ImageError',
        code: 'InvalidReference',
        message: /write it as \[registry\/\]name/,
      },
      reference,
    );
  }
  await loadTagged(images, ['a'], '1');
  await t.rejects(images.tag('a', `b@sha256:${'0'.repeat(64)}`), { code: 'InvalidReference' });
  await t.rejects(images.tag('missing', 'b'), { code: 'NotFound' });
});

t.test('the start of an ID that fits several is refused', async (t) => {
  const images = await openImages({ dataDir: directory() });
  for (let i = 0; i < 17; i++) await loadTagged(images, [`n${i}`]);
  const ids = (await images.list()).map(({ id }) => id.slice(7, 8));
  const double = ids.find((first, i) => ids.indexOf(first) !== i) ?? '';
  await t.rejects(images.find(`sha256:${double}`), { code: 'Ambiguous' });
});

t.test('a tag belongs to one image; taking it away leaves the other without', async (t) => {
  const images = await openImages({ dataDir: directory() });
  const old = await loadTagged(images, ['app'], 'old');
  const young = await loadTagged(images, ['app'], 'young');
  t.equal((await images.find('app'))?.id, young.id);
  t.strictSame((await images.find(old.id))?.tags, []);
  await images.tag(old.id, 'app:old');
  await images.tag('app:old', 'app');
  t.strictSame((await images.find('app'))?.tags, [
    'docker.io/library/app:old',
    'docker.io/library/app:latest',
  ]);
  t.strictSame((await images.find(young.id))?.tags, []);
});
