/** Pods that go for a soft threshold have time to end: their own, or as much as the node gives. */
import t from 'tap';
import { maxPodGraceOf } from '#node-agent/eviction/thresholds.ts';
import { hasFailed, mi, noMemory, plenty, pressed, runs } from './pressed.ts';

const settings = {
  evictionSoft: { 'memory.available': '1Gi' },
  evictionSoftGracePeriod: { 'memory.available': '10s' },
};
const scarce = { ...plenty, memory: { available: 500 * mi, capacity: 8192 * mi } };

/** The signals that a pod got which went when the soft threshold had been met for long enough. */
async function signalsOf(
  t: { teardown(run: () => void): void },
  of: { readonly max?: number; readonly own: number; readonly deaf?: boolean },
) {
  const { max, own, deaf = false } = of;
  const bound = max === undefined ? {} : { evictionMaxPodGracePeriod: max };
  const it = await pressed(t, { ...settings, ...bound });
  const { rig } = it;
  rig.runtime.endsOn = new Set(deaf ? [9] : [9, 15]);
  await runs(rig, 'web', { terminationGracePeriodSeconds: own });
  it.now = scarce;
  const before = [await it.look(), [...it.shortages]];
  await it.clock.advance(10_000);
  const after = [await it.look(), [...it.shortages]];
  await rig.until('web', hasFailed);
  const looks = [...before, ...after];
  return { looks, signals: rig.runtime.signals.map(({ signal }) => signal) };
}

t.test('without a bound they have none, as kubelet has it', async (t) => {
  const { looks, signals } = await signalsOf(t, { own: 30 });
  t.strictSame(looks, ['', [], 'web', ['memory']], 'when it had lasted');
  t.strictSame(signals, [9]);
});

t.test('they are asked to end, and have their own time', async (t) => {
  t.strictSame((await signalsOf(t, { max: 60, own: 30 })).signals, [15]);
});

t.test('at most the node’s: then they are killed', async (t) => {
  t.strictSame((await signalsOf(t, { max: 1, own: 600, deaf: true })).signals, [15, 9]);
  t.strictSame((await signalsOf(t, { max: 600, own: 1, deaf: true })).signals, [15, 9]);
});

t.test('a hard threshold leaves no time, whatever the bound', async (t) => {
  const it = await pressed(t, { ...settings, evictionMaxPodGracePeriod: 600 });
  it.rig.runtime.endsOn = new Set([9]);
  await runs(it.rig, 'web');
  it.now = noMemory;
  t.equal(await it.look(), 'web');
  await it.rig.until('web', hasFailed);
  t.strictSame(
    it.rig.runtime.signals.map(({ signal }) => signal),
    [9],
  );
});

t.test('the next one waits for as long as the last may take', async (t) => {
  const it = await pressed(t, { ...settings, evictionMaxPodGracePeriod: 40 });
  await runs(it.rig, 'one', { terminationGracePeriodSeconds: 60 });
  await runs(it.rig, 'two');
  it.memory['one'] = 10;
  it.rig.runtime.kill = async () => undefined;
  it.now = scarce;
  await it.look();
  await it.clock.advance(10_000);
  t.equal(await it.look(), 'one');
  await it.clock.advance(69_000);
  t.equal(await it.look(), '');
  await it.clock.advance(1_000);
  t.equal(await it.look(), 'two');
});

t.test('a bound that is none is refused by its name', async (t) => {
  t.equal(maxPodGraceOf({}), 0);
  for (const wrong of [-1, 1.5, Number.NaN]) {
    t.throws(() => maxPodGraceOf({ evictionMaxPodGracePeriod: wrong }), {
      message: /^evictionMaxPodGracePeriod: /,
    });
  }
});
