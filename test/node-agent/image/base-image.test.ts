import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BASE_IMAGE, makeBaseImage } from '#node-agent/image/base-image.mjs';
import { ensureBaseImage } from '#node-agent/image/ensure-base-image.ts';
import { openImages } from '#node-agent/image/image-store.ts';
import { rootOf } from '../../support/image-store.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';

needsRoot();
const base = scratch('base-image')();
const archive = join(base, 'base-image.tar');

t.test('the built-in image runs a shell and has what a container expects', async (t) => {
  await makeBaseImage(archive);
  const images = await openImages({ dataDir: base });
  await ensureBaseImage(images, archive);
  await ensureBaseImage(images, '/nonexistent'); // it is there: nothing is read
  const image = await images.find('busybox');
  t.match(image, { tags: [BASE_IMAGE], config: { cmd: ['sh'], env: [/^PATH=/] } });
  if (image === undefined) return;
  const root = rootOf((await images.layers(image))[0] ?? '');
  const run = (script: string) =>
    execFileSync('chroot', [root, '/bin/sh', '-c', script], {
      encoding: 'utf8',
      env: { PATH: '/usr/sbin:/bin' },
    }).trim();
  t.equal(run('echo hello | tr a-z A-Z'), 'HELLO');
  t.equal(run('stat -c %a /tmp /root'), '1777\n700');
  t.equal(run('/usr/bin/env whoami'), 'root');
  t.match(await images.resolveUser(image, 'nobody'), { uid: 65534, gid: 65534 });
});

t.test('the same busybox gives the same bytes', async (t) => {
  const again = join(base, 'again.tar');
  await makeBaseImage(again);
  t.ok(readFileSync(again).equals(readFileSync(archive)));
});

t.test('a missing busybox or archive is said, with what to do', async (t) => {
  await t.rejects(makeBaseImage(join(base, 'x.tar'), { busybox: '/nonexistent' }), {
    code: 'ENOENT',
  });
  const images = await openImages({ dataDir: join(base, 'empty') });
  await t.rejects(ensureBaseImage(images, '/nonexistent'), { message: /nonexistent/ });
});
