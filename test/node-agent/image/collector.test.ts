/** Which images go when the disk fills up, and when somebody asks for it. */
import t from 'tap';
import { silent } from '#controller/runtime/log.ts';
import { ImageCollector } from '#node-agent/image/collector.ts';
import type { Digest } from '#node-agent/image/digest.ts';
import { openImages } from '#node-agent/image/image-store.ts';
import type { StoredImage } from '#node-agent/image/image-table.ts';
import { imageUsage, isPrunable } from '#node-agent/image/usage.ts';
import { folder, loadTagged } from '../../support/image-store.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';

needsRoot();
const directory = scratch('collector');
const sha = (digit: string): Digest => `sha256:${digit.repeat(64)}`;

function image(
  digit: string,
  layers: readonly string[],
  more: Partial<StoredImage> = {},
): StoredImage {
  const config = {
    entrypoint: [],
    cmd: [],
    env: [],
    workingDir: '',
    user: '',
    labels: {},
    exposedPorts: [],
  };
  return {
    digest: sha(digit),
    id: sha(digit),
    tags: [`t:${digit}`],
    repoDigests: [`t@${sha(digit)}`],
    layers: layers.map((each) => ({
      digest: sha(each),
      diffId: sha(each),
      chainId: sha(each),
      sizeBytes: 10,
    })),
    config,
    ...more,
  };
}

function collector(
  images: StoredImage[],
  disk: { percent: number; each: number },
  more: { readonly maxUnusedMs?: number } = {},
) {
  const used = new Set<string>();
  const clock = { now: 1_000_000 };
  const made = new ImageCollector({
    policy: { highPercent: 85, lowPercent: 80, minAgeMs: 1000, ...more },
    discard: async (choose) => {
      const chosen = choose(images);
      for (const gone of chosen) {
        images.splice(images.indexOf(gone), 1);
        disk.percent -= disk.each;
      }
      return chosen;
    },
    used: async () => used,
    diskPercent: async () => disk.percent,
    now: () => clock.now,
    log: silent,
  });
  return { made, used, clock };
}

t.test(
  'below the high mark nothing goes; above it the longest unused, down to the low mark',
  async (t) => {
    const images = [image('1', ['a']), image('2', ['b']), image('3', ['c']), image('4', ['d'])];
    const disk = { percent: 84, each: 4 };
    const { made, used, clock } = collector(images, disk);
    used.add(sha('1'));
    t.strictSame(await made.run(), []);
    clock.now += 2000;
    used.clear();
    used.add(sha('3'));
    disk.percent = 86;
    t.strictSame(
      await made.run(),
      [sha('2'), sha('4')],
      'never used before used long ago; used stays',
    );
    t.equal(images.length, 2);
  },
);

t.test('when pods would have to go, all that is unused goes, whatever the marks say', async (t) => {
  const images = [image('1', ['a']), image('2', ['b']), image('3', ['c'])];
  const young = image('5', ['e']);
  images.push(image('4', ['d'], { repoDigests: [] }));
  const { made, used, clock } = collector(images, { percent: 1, each: 0 });
  used.add(sha('2'));
  t.strictSame(await made.runAll(), [], 'all are young');
  clock.now += 2000;
  images.push(young);
  t.strictSame(await made.runAll(), [sha('1'), sha('3')]);
  t.strictSame(
    images.map(({ digest }) => digest),
    [sha('2'), sha('4'), sha('5')],
  );
});

t.test('what is young, used, or in no registry stays', async (t) => {
  const loaded = image('1', ['a'], { repoDigests: [] });
  const images = [loaded, image('2', ['b']), image('3', ['c'])];
  const { made, used, clock } = collector(images, { percent: 99, each: 0 });
  used.add(sha('2'));
  t.strictSame(await made.run(), [], 'all are young');
  clock.now += 2000;
  t.strictSame(await made.run(), [sha('3')]);
  t.strictSame(await made.run(), [], 'and it ends though the disk stays full');
});

t.test(
  'shared layers count once, and are free only when no used image stands on them',
  async (t) => {
    const images = [image('1', ['a', 'b']), image('2', ['a', 'c'])];
    t.strictSame(imageUsage(images, new Set([sha('1')])), {
      total: 2,
      active: 1,
      sizeBytes: 30,
      reclaimableBytes: 10,
    });
  },
);

t.test('pruning takes what has no name, or all that is unused, and old enough', async (t) => {
  const used = new Set([sha('1')]);
  const named = image('2', []);
  const bare = image('2', [], { tags: [], createdAt: '2024-01-01T00:00:00Z' });
  t.notOk(isPrunable(image('1', [], { tags: [] }), { all: true, used }));
  t.notOk(isPrunable(named, { all: false, used }));
  t.ok(isPrunable(named, { all: true, used }));
  t.ok(isPrunable(bare, { all: false, used }));
  t.ok(isPrunable(bare, { all: false, used, createdBefore: Date.parse('2024-01-02') }));
  t.notOk(isPrunable(bare, { all: false, used, createdBefore: Date.parse('2023-01-02') }));
  t.notOk(isPrunable(named, { all: true, used, createdBefore: Date.now() }), 'age unknown');
});

t.test('a store says what it holds, and prunes', async (t) => {
  const dataDir = directory();
  const images = await openImages({ dataDir });
  const kept = await loadTagged(images, ['a']);
  await loadTagged(images, ['b', 'c']);
  const used = new Set([kept.digest]);
  t.match(await images.usage(used), { total: 2, active: 1, sizeBytes: 5, reclaimableBytes: 3 });
  const pruned = await images.prune({ all: true, used });
  t.match(pruned, { untagged: [/\/b:latest$/, /\/c:latest$/], reclaimedBytes: 3 });
  t.equal(pruned.deleted.length, 1);
  t.equal(folder(dataDir, 'layers').length, 2);
  t.strictSame(await images.prune({ all: true, used }), {
    untagged: [],
    deleted: [],
    reclaimedBytes: 0,
  });
});

t.test('what nobody used for too long goes, however much room there is', async (t) => {
  const loaded = image('4', ['d'], { repoDigests: [] });
  const images = [image('1', ['a']), image('2', ['b']), image('3', ['c']), loaded];
  const rig = collector(images, { percent: 10, each: 1 }, { maxUnusedMs: 10_000 });
  const { made, used, clock } = rig;
  used.add(sha('1'));
  used.add(sha('2'));
  t.strictSame(await made.run(), []);
  used.delete(sha('1'));
  clock.now += 9_000;
  t.strictSame(await made.run(), [], 'not yet');
  clock.now += 2_000;
  t.strictSame(
    await made.run(),
    [sha('3'), sha('1')],
    'not used for 11 s; one is used, one in no registry',
  );
});
