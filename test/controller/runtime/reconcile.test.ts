import { Subject } from 'rxjs';
import t from 'tap';
import {
  type Reconcile,
  type Reconciled,
  type ReconcileOptions,
  reconcileKeys,
  requeueAfter,
  settled,
  Terminal,
} from '#controller/runtime/reconcile.ts';
import { flush, VirtualClock } from '../../support/virtual-clock.ts';

function started(reconcile: Reconcile<string>, options: ReconcileOptions = {}) {
  const clock = new VirtualClock();
  const keys$ = new Subject<string>();
  const runs: Reconciled<string>[] = [];
  const running = reconcileKeys(keys$, reconcile, { clock, ...options }).subscribe((run) =>
    runs.push(run),
  );
  const add = (...keys: string[]) => {
    for (const key of keys) keys$.next(key);
  };
  return { clock, add, runs, running, keys$ };
}

/** A reconcile whose runs end when told to. */
function controlled() {
  const open: { key: string; end: () => void; signal: AbortSignal }[] = [];
  const reconcile: Reconcile<string> = (key, signal) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      open.push({ key, signal, end: () => resolve(settled()) });
    });
  return { open, reconcile };
}

t.test(
  'a key is never reconciled twice at once, and a change during a run is not lost',
  async (t) => {
    const { open, reconcile } = controlled();
    const { add } = started(reconcile, { concurrency: 8 });
    add('a', 'a', 'a');
    await flush();
    t.equal(open.length, 1);
    add('a');
    await flush();
    t.equal(open.length, 1);
    open[0]?.end();
    await flush();
    t.equal(open.length, 2, 'it runs again for the change that came meanwhile');
    open[1]?.end();
    await flush();
    t.equal(open.length, 2);
  },
);

t.test('no more runs are under way than the concurrency allows', async (t) => {
  const { open, reconcile } = controlled();
  const { add } = started(reconcile, { concurrency: 2 });
  add('a', 'b', 'c', 'd');
  await flush();
  t.strictSame(
    open.map(({ key }) => key),
    ['a', 'b'],
  );
  open[0]?.end();
  await flush();
  t.equal(open.length, 3);
});

t.test('a failing key is tried again with growing delays until it succeeds', async (t) => {
  let failures = 6;
  const at: number[] = [];
  const { clock, add, runs } = started(async () => {
    at.push(clock.now());
    failures -= 1;
    if (failures >= 0) throw new Error('not yet');
    return settled();
  });
  add('a');
  await clock.advance(60_000);
  t.equal(runs.length, 7);
  const delays = at.slice(1).map((time, i) => time - (at[i] ?? 0));
  t.ok(
    delays.every((ms, i) => ms >= 5 * 2 ** i && ms <= 5.5 * 2 ** i),
    delays.join(' '),
  );
  t.equal(runs.at(-1)?.error, undefined);
});

t.test('the back-off never passes a minute by much and success resets it', async (t) => {
  let failing = true;
  const { clock, add, runs } = started(async () => {
    if (failing) throw new Error('no');
    return settled();
  });
  add('a');
  await clock.advance(3_600_000);
  t.ok((runs.at(-1)?.retryMs ?? 0) >= 60_000);
  t.ok((runs.at(-1)?.retryMs ?? 1e9) <= 66_000);
  failing = false;
  await clock.advance(66_000);
  failing = true;
  add('a');
  await flush();
  t.ok((runs.at(-1)?.retryMs ?? 1e9) < 6);
});

t.test('a Terminal failure waits for a change', async (t) => {
  const { clock, add, runs } = started(async () => {
    throw new Terminal('spec.image is empty');
  });
  add('a');
  await clock.advance(3_600_000);
  t.equal(runs.length, 1);
  add('a');
  await flush();
  t.equal(runs.length, 2);
});

t.test('requeueAfter brings the key back once', async (t) => {
  let runs = 0;
  const { clock, add } = started(async () => {
    runs += 1;
    return runs === 1 ? requeueAfter(5_000) : settled();
  });
  add('a');
  await clock.advance(4_999);
  t.equal(runs, 1);
  await clock.advance(100_000);
  t.equal(runs, 2);
});

t.test('a run that passes its deadline is aborted and tried again', async (t) => {
  const { open, reconcile } = controlled();
  const { clock, add, runs } = started(reconcile, { deadlineMs: 1_000 });
  add('a');
  await clock.advance(1_000);
  t.match(String(runs[0]?.error), /longer than its deadline of 1000 ms/);
  await clock.advance(10);
  t.equal(open.length, 2);
});

t.test('unsubscribing aborts the runs under way and leaves no timer', async (t) => {
  const { open, reconcile } = controlled();
  const { clock, add, running, keys$ } = started(reconcile);
  add('a');
  await flush();
  running.unsubscribe();
  t.equal(open[0]?.signal.aborted, true);
  t.equal(keys$.observed, false);
  await flush();
  t.equal(clock.pending, 0);
});

t.test('100,000 events on 10,000 keys make about 10,000 runs', async (t) => {
  const { add, runs } = started(
    async () => {
      await flush();
      return settled();
    },
    { concurrency: 64 },
  );
  for (let i = 0; i < 100_000; i += 1) add(`key ${i % 10_000}`);
  while (runs.length < 10_000) await flush();
  await flush();
  t.ok(runs.length <= 10_100, `${runs.length} runs`);
});
