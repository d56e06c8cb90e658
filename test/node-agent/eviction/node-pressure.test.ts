/** When the node is short of something, for how long it says so, and whom it then refuses. */
import t from 'tap';
import type { Pod } from '#api/resources/types.ts';
import { NodePressure } from '#node-agent/eviction/node-pressure.ts';
import {
  type EvictionSettings,
  type Signals,
  shortageOf,
  type Threshold,
  thresholdsOf,
} from '#node-agent/eviction/thresholds.ts';
import { podOf } from '../agent-rig.ts';

const mi = 1024 ** 2;
const plenty: Signals = {
  memory: { available: 4096 * mi, capacity: 8192 * mi },
  disk: { available: 50_000, capacity: 100_000 },
  inodes: { available: 500, capacity: 1000 },
  pids: { available: 900, capacity: 1000 },
};
const noMemory: Signals = { ...plenty, memory: { available: 50 * mi, capacity: 8192 * mi } };
const noDisk: Signals = { ...plenty, disk: { available: 9_999, capacity: 100_000 } };
const noPids: Signals = { ...plenty, pids: { available: 49, capacity: 1000 } };

const shortages = (thresholds: readonly Threshold[], now: Signals) =>
  thresholds.flatMap((one) => shortageOf(one, now, false) ?? []);

t.test('thresholds are kubelet’s until the configuration says otherwise', async (t) => {
  const usual = thresholdsOf();
  t.strictSame(shortages(usual, plenty), []);
  t.strictSame(shortages(usual, noMemory), [
    { resource: 'memory', least: 100 * mi, available: 50 * mi, isSoft: false },
  ]);
  t.strictSame(
    shortages(usual, { ...noDisk, inodes: { available: 49, capacity: 1000 } }),
    [
      { resource: 'ephemeral-storage', least: 10_000, available: 9_999, isSoft: false },
      { resource: 'inodes', least: 50, available: 49, isSoft: false },
    ],
    'both of the disk',
  );
  const exactly = { ...plenty, memory: { available: 100 * mi, capacity: 8192 * mi } };
  t.strictSame(shortages(usual, exactly), [], 'below, not at');
  t.strictSame(
    shortages(usual, { ...plenty, inodes: { available: 0, capacity: 0 } }),
    [],
    'a file system that does not count inodes',
  );
  const own = thresholdsOf({
    evictionHard: { 'memory.available': '5Gi', 'nodefs.available': '0' },
  });
  t.strictSame(
    shortages(own, { ...noDisk, memory: plenty.memory }).map(({ resource }) => resource),
    ['memory'],
  );
});

t.test('what is no threshold is refused by name', async (t) => {
  t.throws(() => thresholdsOf({ evictionHard: { 'imagefs.available': '15%' } }), {
    message: /evictionHard: imagefs\.available: no such signal; there are memory\.available, /,
  });
  for (const text of ['much', '101%', '-1%', '%', '-5Mi']) {
    t.throws(() => thresholdsOf({ evictionHard: { 'memory.available': text } }), {
      message: `evictionHard: memory.available: "${text}" is neither an amount such as 100Mi nor a share such as 10%`,
    });
  }
});

t.test('a condition stays for five minutes after its cause', async (t) => {
  const pressure = new NodePressure(thresholdsOf());
  const at = (seconds: number, signals: Signals) => {
    pressure.observe(signals, seconds * 1000);
    return Object.entries(pressure.conditions).flatMap(([name, is]) => (is ? [name] : []));
  };
  t.strictSame(at(0, plenty), []);
  t.strictSame(at(10, noMemory), ['memory']);
  t.strictSame(at(20, noDisk), ['memory', 'disk']);
  t.strictSame(pressure.shortages.length, 1, 'what is acted upon is the present');
  t.strictSame(at(309, plenty), ['memory', 'disk']);
  t.strictSame(at(310, plenty), ['disk']);
  t.strictSame(at(320, plenty), []);
  t.strictSame(at(330, noPids), ['pids']);
  const hasty = new NodePressure(thresholdsOf(), 0);
  hasty.observe(noMemory, 0);
  t.equal(hasty.conditions.memory, true);
  hasty.observe(plenty, 1);
  t.equal(hasty.conditions.memory, false);
});

t.test('a soft threshold has to last, its condition comes at once', async (t) => {
  const pressure = new NodePressure(
    thresholdsOf({
      evictionSoft: { 'memory.available': '1Gi' },
      evictionSoftGracePeriod: { 'memory.available': '1m30s' },
    }),
    0,
  );
  const at = (seconds: number, free: number) => {
    pressure.observe(
      { ...plenty, memory: { ...plenty.memory, available: free * mi } },
      seconds * 1000,
    );
    return [pressure.conditions.memory, pressure.shortages.map(({ least }) => least / mi)];
  };
  t.strictSame(at(0, 900), [true, []]);
  t.strictSame(at(80, 900), [true, []]);
  t.strictSame(at(85, 1024), [false, []], 'enough again: the time begins anew');
  t.strictSame(at(90, 900), [true, []]);
  t.strictSame(at(179, 900), [true, []]);
  t.strictSame(at(180, 900), [true, [1024]]);
  t.strictSame(at(190, 50), [true, [100, 1024]], 'the hard one first');
  t.strictSame(at(200, 2000), [false, []]);
  t.strictSame(at(210, 50), [true, [100]], 'the hard one at once');
});

t.test('evictions end when the minimum to reclaim is there', async (t) => {
  const reclaiming: EvictionSettings = {
    evictionMinimumReclaim: { 'memory.available': '500Mi', 'nodefs.available': '5%' },
  };
  const pressure = new NodePressure(thresholdsOf(reclaiming), 0);
  const at = (now: Signals) => {
    pressure.observe(now, 0);
    return pressure.shortages.map(({ resource }) => resource);
  };
  const memory = (free: number) => ({
    ...plenty,
    memory: { ...plenty.memory, available: free * mi },
  });
  const disk = (available: number) => ({ ...plenty, disk: { available, capacity: 100_000 } });
  t.strictSame(at(memory(599)), [], 'above the threshold nothing is reclaimed');
  t.strictSame(at(memory(99)), ['memory']);
  t.strictSame(at(memory(599)), ['memory']);
  t.strictSame(at(memory(600)), []);
  t.strictSame(at(memory(599)), []);
  t.strictSame(at(disk(9_999)), ['ephemeral-storage']);
  t.strictSame(at(disk(14_999)), ['ephemeral-storage']);
  t.strictSame(at(disk(15_000)), []);
});

t.test('soft thresholds and minimums that are wrong are refused by name', async (t) => {
  const soft = { 'memory.available': '1Gi' };
  const cases: [EvictionSettings, RegExp][] = [
    [
      { evictionSoft: soft },
      /evictionSoft: memory\.available: evictionSoftGracePeriod does not say/,
    ],
    [{ evictionSoft: { 'a.b': '1' } }, /evictionSoft: a\.b: no such signal/],
    [{ evictionSoftGracePeriod: { 'memory.available': '1m' } }, /evictionSoft has no threshold/],
    [
      { evictionMinimumReclaim: { 'memory.available': 'x' } },
      /evictionMinimumReclaim: mem.*"x" is/,
    ],
    ...['', '0s', '90', '1m x', '-1s'].map((text): [EvictionSettings, RegExp] => [
      { evictionSoft: soft, evictionSoftGracePeriod: { 'memory.available': text } },
      /evictionSoftGracePeriod: memory\.available: ".*" is no time span above 0, as 1m30s/,
    ]),
  ];
  for (const [settings, message] of cases) t.throws(() => thresholdsOf(settings), { message });
});

const main = { name: 'main', image: 'busybox' };
const burstable = { containers: [{ ...main, resources: { requests: { memory: '1Mi' } } }] };
const tolerant = (more: object) => ({
  tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', ...more }],
});
const critical = { priority: 2_000_000_000 };
const memory = 'Pod was rejected: The node had condition: [MemoryPressure]. ';
const disk = 'Pod was rejected: The node had condition: [DiskPressure]. ';
const both = 'Pod was rejected: The node had condition: [MemoryPressure DiskPressure]. ';
const bothShort = { ...noMemory, disk: noDisk.disk };

const refusals: [string, Signals, NonNullable<Partial<Pod['spec']>>, string | undefined][] = [
  ['anybody, nothing short', plenty, {}, undefined],
  ['best effort, memory', noMemory, {}, memory],
  ['burstable, memory', noMemory, burstable, undefined],
  ['tolerant, memory', noMemory, tolerant({}), undefined],
  ['tolerant of NoSchedule', noMemory, tolerant({ effect: 'NoSchedule' }), undefined],
  ['tolerant of another effect', noMemory, tolerant({ effect: 'NoExecute' }), memory],
  ['tolerant of everything', noMemory, { tolerations: [{ operator: 'Exists' }] }, undefined],
  [
    'tolerant of something else',
    noMemory,
    { tolerations: [{ key: 'a', operator: 'Exists' }] },
    memory,
  ],
  ['critical, memory', noMemory, critical, undefined],
  ['best effort, disk', noDisk, {}, disk],
  ['burstable, disk', noDisk, burstable, disk],
  ['critical, disk', noDisk, critical, undefined],
  ['burstable, both', bothShort, burstable, both],
];
for (const [what, signals, spec, expected] of refusals) {
  t.test(`refused at the node: ${what}`, async (t) => {
    const pressure = new NodePressure(thresholdsOf());
    pressure.observe(signals, 0);
    const refusal = pressure.refusal(podOf('new', spec));
    t.equal(refusal?.message, expected);
    if (expected !== undefined) t.equal(refusal?.reason, 'Evicted');
  });
}
