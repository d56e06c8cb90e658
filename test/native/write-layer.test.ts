/** What a container changed, made through a real overlay: as a layer it gives the same tree again, and it is listed. */
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import {
  type LayerOptions,
  listChanges,
  openMerged,
  writeLayer,
  writeTree,
} from '#native/layers.ts';
import { unpackLayer } from '#native/unpack.ts';
import { pieces } from '../support/image-archives.ts';
import { changedBy, layerOf, type Overlay } from '../support/overlay.ts';
import { needsRoot, scratch } from '../support/scratch.ts';
import type { TarEntry } from '../support/tar-builder.ts';

needsRoot();
const LIMITS = { maxBytes: 1 << 30, maxEntries: 10_000 };
const emptyDirectory = scratch('write-layer');

const lower: readonly TarEntry[] = [
  { name: 'etc/', type: '5' },
  { name: 'etc/apt/', type: '5' },
  { name: 'etc/apt/conf', content: 'a' },
  { name: 'etc/apt/keys/', type: '5' },
  { name: 'etc/apt/keys/k', content: 'k' },
  { name: 'etc/motd', content: 'hello' },
  { name: 'etc/old', content: 'old' },
  { name: 'usr/', type: '5' },
  { name: 'usr/bin/', type: '5' },
  { name: 'usr/bin/tool', content: 'tool', mode: 0o755 },
  { name: 'usr/bin/other', type: '1', link: 'usr/bin/tool' },
  { name: 'usr/lib/', type: '5' },
  { name: 'usr/lib/a', content: 'a' },
  { name: 'usr/lib/b', content: 'b' },
  { name: 'var/', type: '5' },
  { name: 'var/log/', type: '5' },
  { name: 'var/log/x', content: 'x' },
  { name: 'tmp/', type: '5', mode: 0o1777 },
];
/** Above it: changes some, hides some. */
const middle: readonly TarEntry[] = [
  { name: 'etc/', type: '5' },
  { name: 'etc/motd', content: 'hello again' },
  { name: 'etc/.wh.old' },
  { name: 'usr/', type: '5' },
  { name: 'usr/lib/', type: '5' },
  { name: 'usr/lib/.wh..wh..opq' },
  { name: 'usr/lib/c', content: 'c' },
];

async function overlay(script: string): Promise<Overlay | undefined> {
  const parent = emptyDirectory();
  const lowers = [await layerOf(parent, 'middle', middle), await layerOf(parent, 'lower', lower)];
  const changed = changedBy(script, lowers, parent);
  if (changed === undefined) t.pass('skipped', { skip: 'needs an overlay mount in /tmp' });
  return changed;
}

async function layer(options: LayerOptions): Promise<Buffer> {
  const output = join(emptyDirectory(), 'layer.tar');
  await writeLayer({ ...options, output });
  return readFileSync(output);
}

/** The merged tree as an archive, without the attributes that copying up changes and no layer can say. */
async function merged(layers: readonly string[]): Promise<Buffer> {
  const root = openMerged(layers);
  const output = join(emptyDirectory(), 'merged.tar');
  await writeTree({ root, output });
  closeSync(root);
  return readFileSync(output);
}

/** What is listed; a layer that is written counts the same. */
async function listed({ upper, lowers }: Overlay): Promise<string[]> {
  const changes = await listChanges(upper, lowers);
  const output = join(emptyDirectory(), 'counted.tar');
  const { added, changed, deleted } = await writeLayer({ upper, lowers, output });
  const count = (wanted: string) => changes.filter(({ kind }) => kind === wanted).length;
  t.strictSame(
    { added, changed, deleted },
    { added: count('A'), changed: count('C'), deleted: count('D') },
  );
  return changes.map(({ kind, path }) => `${kind} ${path}`);
}

const busy = `
  echo new > etc/new; echo more >> etc/motd; chmod 600 usr/bin/tool
  rm -r etc/apt; mkdir -p etc/apt/keys; echo k2 > etc/apt/keys/k2
  rm usr/lib/c; ln usr/bin/tool usr/bin/third; ln -s nowhere usr/link
  rm -r var/log; echo file > var/log; mkfifo tmp/fifo; mknod tmp/null c 1 3
  setfattr -n user.note -v hi etc/new 2>/dev/null || true
  mkdir -p srv/deep/er; echo x > srv/deep/er/x; chown -R 7:8 srv; touch -d @1.5 srv/deep
`;

t.test('a layer over the same layers gives the same tree', async (t) => {
  const changed = await overlay(busy);
  if (changed === undefined) return;
  const { upper, lowers } = changed;
  const before = await merged([upper, ...lowers]);
  for (const options of [{ upper, lowers }, { upper }]) {
    const bytes = await layer(options);
    const applied = emptyDirectory();
    await unpackLayer(applied, pieces(bytes), LIMITS);
    t.ok(before.equals(await merged([applied, ...lowers])), `lowers: ${'lowers' in options}`);
  }
  t.strictSame(await listed(changed), [
    'C /etc',
    'C /etc/apt',
    'D /etc/apt/conf',
    'C /etc/apt/keys',
    'D /etc/apt/keys/k',
    'A /etc/apt/keys/k2',
    'C /etc/motd',
    'A /etc/new',
    'A /srv',
    'A /srv/deep',
    'A /srv/deep/er',
    'A /srv/deep/er/x',
    'C /tmp',
    'A /tmp/fifo',
    'A /tmp/null',
    'C /usr',
    'C /usr/bin',
    'A /usr/bin/third',
    'C /usr/bin/tool',
    'C /usr/lib',
    'D /usr/lib/c',
    'A /usr/link',
    'C /var',
    'C /var/log',
    'D /var/log/x',
  ]);
});

t.test('what was only copied up is no change', async (t) => {
  const changed = await overlay(`
    chmod 700 usr/lib; chmod 644 usr/lib; touch -c -r etc/motd etc/motd; true >> usr/bin/tool
    echo x > var/log/y; rm var/log/y`);
  if (changed === undefined) return;
  t.strictSame(await listed(changed), []);
  const { upper, lowers } = changed;
  t.equal((await layer({ upper, lowers })).length, 1024, 'an empty archive');
});

t.test('the same changes give the same digest', async (t) => {
  const digests = new Set<string>();
  for (let i = 0; i < 2; i++) {
    const changed = await overlay(busy);
    if (changed === undefined) return;
    const output = join(emptyDirectory(), 'layer.tar');
    const facts = await writeLayer({ ...changed, output, times: 1, digests: 'sha256' });
    digests.add(facts.digest);
  }
  t.equal(digests.size, 1);
});

t.test('a layer that points elsewhere, or is none, is refused', async (t) => {
  const changed = await overlay('mkdir new');
  if (changed === undefined) return;
  const { upper, lowers } = changed;
  const below = join(dirname(upper), 'none');
  await t.rejects(listChanges(upper, [below]), { code: 'ENOENT', message: /none/ });
  rmSync(upper, { recursive: true });
  writeFileSync(upper, 'a file');
  await t.rejects(async () => listChanges(upper, lowers), { code: 'ENOTDIR' });
  const fd = openSync('/dev/null', 'r');
  await t.rejects(async () => listChanges(fd, lowers), { code: 'ENOTDIR' });
  closeSync(fd);
});
