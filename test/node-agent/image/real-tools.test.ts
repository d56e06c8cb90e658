/** What we save other tools read, and what they make of it we load: skopeo, umoci and podman, the same content all the way. */
import { execFile, spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import t from 'tap';
import { packed } from '#cli/local-tar.ts';
import type { Images, LocalImage } from '#node-agent/image/images.ts';
import { saveImages } from '#node-agent/image/save.ts';
import { dockerArchive, layer } from '../../support/image-archives.ts';
import { loadEntries, storeIn } from '../../support/image-store.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { tar } from '../../support/tar-builder.ts';

needsRoot();
t.setTimeout(240_000);
const directory = scratch('real-tools');
const execute = promisify(execFile);
const run = async (command: string, ...args: string[]) => (await execute(command, args)).stdout;
const lacks = (program: string): string | false =>
  spawnSync('sh', ['-c', `command -v ${program}`]).status === 0 ? false : `needs ${program}`;

/** Files, a link, a deletion, modes and times in two layers. */
const layers = [
  tar([
    { name: 'etc/', type: '5', mode: 0o755 },
    { name: 'etc/gone', content: 'x' },
    { name: 'etc/kept', content: 'kept', mode: 0o640, uid: 7, gid: 8 },
    { name: 'link', type: '2', link: 'etc/kept' },
  ]),
  tar([
    { name: 'etc/.wh.gone', content: '' },
    { name: 'etc/more', content: 'more' },
  ]),
];
const tag = 'reg.example/team/app:1';
const config = { Cmd: ['/x'], Env: ['A=b'], Labels: { team: 'x' } };

async function saved(images: Images, ...names: string[]): Promise<string> {
  const file = join(directory(), 'saved.tar');
  await pipeline(await saveImages(images.shelf(), names), createWriteStream(file));
  return file;
}

async function ours(): Promise<{ images: Images; image: LocalImage; file: string }> {
  const { images } = await storeIn(directory());
  const [image] = await loadEntries(images, dockerArchive([{ layers, tags: [tag], config }]));
  if (image === undefined) throw new Error('nothing was loaded');
  return { images, image, file: await saved(images, tag) };
}

/** Loads what a tool wrote, a file's stream or a directory's, into a store of its own. */
async function loaded(content: AsyncIterable<Buffer>): Promise<LocalImage | undefined> {
  const { images } = await storeIn(directory());
  return (await images.load(content))[0];
}

t.test(
  'skopeo reads what is saved, as either kind of archive, and we what it writes',
  { skip: lacks('skopeo') },
  async (t) => {
    const { image, file } = await ours();
    const seen = JSON.parse(await run('skopeo', 'inspect', '--config', `docker-archive:${file}`));
    t.match(seen, { config, rootfs: { type: 'layers' } });
    const layout = directory();
    await run(
      'skopeo',
      'copy',
      '--quiet',
      '--preserve-digests',
      `oci-archive:${file}`,
      `oci:${layout}:app`,
    );
    const ofLayout = await loaded(packed(layout, '', { follow: true }));
    t.equal(ofLayout?.id, image.id, 'a directory with an OCI layout');
    t.equal(ofLayout?.digest, image.digest, 'the manifest as it was');
    for (const kind of ['docker-archive', 'oci-archive']) {
      const other = join(directory(), 'other.tar');
      await run('skopeo', 'copy', '--quiet', `${kind}:${file}`, `${kind}:${other}:${tag}`);
      const { createReadStream } = await import('node:fs');
      const back = await loaded(createReadStream(other));
      t.match(
        back,
        { id: image.id, config: { cmd: ['/x'], env: ['A=b'], labels: { team: 'x' } } },
        kind,
      );
    }
  },
);

t.test(
  'umoci unpacks what is saved as we do, and we load what it made',
  { skip: lacks('umoci') || lacks('skopeo') },
  async (t) => {
    const { file } = await ours();
    const [layout, bundle] = [directory(), join(directory(), 'bundle')];
    await run('skopeo', 'copy', '--quiet', `oci-archive:${file}`, `oci:${layout}:app`);
    await run('umoci', 'unpack', '--image', `${layout}:app`, bundle);
    const look = await run(
      'find',
      join(bundle, 'rootfs'),
      '-mindepth',
      '1',
      '-printf',
      '%P %y %m %U:%G\n',
    );
    t.strictSame(look.trim().split('\n').sort(), [
      'etc d 755 0:0',
      'etc/kept f 640 7:8',
      'etc/more f 644 0:0',
      'link l 777 0:0',
    ]);
    await run('sh', '-c', `echo new > ${bundle}/rootfs/etc/new; rm ${bundle}/rootfs/etc/more`);
    await run('umoci', 'repack', '--image', `${layout}:app`, bundle);
    const { images } = await storeIn(directory());
    const all = await images.load(packed(layout, '', { follow: true }));
    const changed = all.find(({ id }) => id !== undefined);
    t.ok(changed, 'it is loaded');
    const { diffImages } = await import('#node-agent/operations/image-diff.ts');
    const first = await images.load((await import('node:fs')).createReadStream(file));
    const paths = (await diffImages(images, first[0]?.digest ?? '', changed?.digest ?? '')).map(
      ({ Kind, Path }) => `${'CAD'[Kind]} ${Path}`,
    );
    t.strictSame(paths, ['C /etc', 'D /etc/more', 'A /etc/new']);
  },
);

t.test(
  'podman loads what is saved, and tells the same differences',
  { skip: lacks('podman') },
  async (t) => {
    const { images, image, file } = await ours();
    const root = directory();
    const podman = (...args: string[]) =>
      run(
        'podman',
        '--root',
        join(root, 'root'),
        '--runroot',
        join(root, 'run'),
        '--storage-driver',
        'vfs',
        ...args,
      );
    await podman('load', '--quiet', '--input', file);
    const [seen] = JSON.parse(await podman('image', 'inspect', tag));
    t.equal(`sha256:${seen.Id}`, image.id);
    const back = join(directory(), 'podman.tar');
    await podman('save', '--quiet', '--format', 'docker-archive', '--output', back, tag);
    const { createReadStream } = await import('node:fs');
    t.equal((await loaded(createReadStream(back)))?.id, image.id);
    const [other] = await loadEntries(
      images,
      dockerArchive([
        { layers: [...layers, layer('etc/own', 'own')], tags: ['reg.example/team/app:2'], config },
      ]),
    );
    await podman('load', '--quiet', '--input', await saved(images, 'reg.example/team/app:2'));
    const theirs = (await podman('diff', 'reg.example/team/app:2', tag)).trim().split('\n').sort();
    const { diffImages } = await import('#node-agent/operations/image-diff.ts');
    const own = (await diffImages(images, image.digest, other?.digest ?? '')).map(
      ({ Kind, Path }) => `${'CAD'[Kind]} ${Path}`,
    );
    t.strictSame(own.sort(), theirs);
    await podman('rmi', '--all', '--force');
  },
);
