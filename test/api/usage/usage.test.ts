import t from 'tap';
import { Sampler } from '#api/usage/sampler.ts';
import { isSummary, type Sample, usageBetween } from '#api/usage/usage.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const counts = (ms: number, nanos: number, workingSetBytes: number) => ({
  cpu: { time: new Date(start + ms).toISOString(), usageCoreNanoSeconds: nanos },
  memory: { workingSetBytes },
});
const pod = (uid: string, ...containers: object[]) => ({
  podRef: { name: `pod-${uid}`, namespace: 'default', uid },
  containers,
});
const sample = (ms: number, ...pods: object[]): Sample => ({
  node: 'n1',
  timeMs: start + ms,
  summary: { node: { nodeName: 'n1', ...counts(ms, ms * 500_000, 1000) }, pods },
});

t.test('CPU is a rate between two counts, memory that of the later', async (t) => {
  const before = sample(0, pod('a', { name: 'main', ...counts(0, 0, 5) }));
  const after = sample(2000, pod('a', { name: 'main', ...counts(2000, 1e9, 7) }));
  t.strictSame(usageBetween(before, after), {
    node: 'n1',
    timeMs: start + 2000,
    windowMs: 2000,
    used: { cpuNanos: 500_000_000, memoryBytes: 1000 },
    pods: [
      {
        namespace: 'default',
        name: 'pod-a',
        containers: [{ name: 'main', cpuNanos: 500_000_000, memoryBytes: 7 }],
      },
    ],
  });
});

t.test(
  'what was counted once, or started anew, has no rate; what is broken is left out',
  async (t) => {
    const before = sample(
      0,
      pod('again', { name: 'main', ...counts(0, 5e9, 5) }),
      pod('gone', { name: 'main', ...counts(0, 0, 5) }),
      pod('odd', { name: 'main' }, { name: 'other', cpu: { time: 'soon' } }),
    );
    const after = sample(
      1000,
      pod('again', { name: 'main', ...counts(1000, 1e9, 5) }),
      pod('new', { name: 'main', ...counts(1000, 1e9, 5) }),
      pod('odd', { name: 'main', cpu: 3, memory: null }, { name: 'other', ...counts(1000, 1, 1) }),
    );
    t.same(usageBetween(before, after).pods, []);
    t.same(usageBetween({ ...before, summary: { node: {}, pods: 7 } }, after).pods, []);
    for (const wrong of [undefined, null, [], 'x', { node: 3 }]) t.notOk(isSummary(wrong));
  },
);

t.test(
  'nodes are asked twice the first time, once later, not at all for a fresh answer',
  async (t) => {
    let now = start;
    const asked: string[] = [];
    const sampler = new Sampler({
      nodes: () => ['n1', 'dead'],
      now: () => now,
      wait: async (ms) => {
        now += ms;
      },
      take: async (node) => {
        asked.push(node);
        if (node === 'dead') throw new Error('no answer');
        return { ...sample(now - start), timeMs: now };
      },
    });
    const [first, second] = await Promise.all([sampler.usage(), sampler.usage()]);
    t.equal(first, second, 'one answer for those who ask together');
    t.same(
      first.map(({ node, windowMs }) => [node, windowMs]),
      [['n1', 1000]],
    );
    t.equal(asked.filter((node) => node === 'n1').length, 2);
    now += 4000;
    t.equal(await sampler.usage(), first);
    now += 10_000;
    t.equal(
      (await sampler.usage())[0]?.windowMs,
      15_000,
      'a dead node is waited for a second each time',
    );
    now += 3_600_000;
    t.equal((await sampler.usage())[0]?.windowMs, 1000, 'an old count is no base');
  },
);
