import { EMPTY, NEVER, Observable, Subject } from 'rxjs';
import t from 'tap';
import { leases } from '#api/resources/resource-types.ts';
import { failure } from '#api/resources/status.ts';
import type { Lease } from '#api/resources/types.ts';
import { Leadership, whileLeading } from '#controller/runtime/leadership.ts';
import { memoryApi } from '../../support/memory-collection.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const ref = { namespace: 'kube-system', name: 'controller' };

function setUp() {
  const api = memoryApi();
  const clock = new VirtualClock();
  const join = (identity: string) => {
    const leadership = new Leadership(api.collection<Lease>(leases), { ...ref, identity, clock });
    const told: boolean[] = [];
    const running = leadership.leading$.subscribe((leading) => told.push(leading));
    return { leadership, told, running };
  };
  const lease = () => api.collection<Lease>(leases).get(ref);
  return { api, clock, join, lease };
}

t.test('the first to come leads, the second waits', async (t) => {
  const { clock, join, lease } = setUp();
  const a = join('a');
  await clock.advance(0);
  const b = join('b');
  await clock.advance(120_000);
  t.equal(a.told.at(-1), true);
  t.notOk(b.told.includes(true));
  t.match((await lease()).spec, {
    holderIdentity: 'a',
    leaseDurationSeconds: 30,
    leaseTransitions: 0,
  });
});

t.test('a leader that is killed is followed when its lease has run out, not before', async (t) => {
  const { clock, join, lease } = setUp();
  const a = join('a');
  await clock.advance(0);
  const b = join('b');
  await clock.advance(15_000);
  a.running.unsubscribe();
  await clock.advance(25_000);
  t.notOk(b.told.includes(true));
  await clock.advance(30_000);
  t.equal(b.told.at(-1), true);
  t.match((await lease()).spec, { holderIdentity: 'b', leaseTransitions: 1 });
});

t.test('a leader that releases is followed at the next look', async (t) => {
  const { clock, join } = setUp();
  const a = join('a');
  await clock.advance(0);
  const b = join('b');
  await clock.advance(1_000);
  a.running.unsubscribe();
  await a.leadership.release();
  await clock.advance(10_000);
  t.equal(b.told.at(-1), true);
});

t.test('the same identity leads again at once after a restart', async (t) => {
  const { clock, join } = setUp();
  const before = join('a');
  await clock.advance(0);
  before.running.unsubscribe();
  const after = join('a');
  await clock.advance(0);
  t.strictSame(after.told, [true]);
});

t.test('a leader that cannot renew stops before another may begin', async (t) => {
  const { api, clock, join } = setUp();
  const { told } = join('a');
  await clock.advance(0);
  api.fault = () => {
    throw failure(500, 'InternalError', 'no');
  };
  await clock.advance(25_000);
  t.equal(told.at(-1), false);
  api.fault = () => undefined;
  await clock.advance(10_000);
  t.equal(told.at(-1), true);
});

t.test('an API that is not there yet is asked again soon', async (t) => {
  const { api, clock, join } = setUp();
  api.fault = () => {
    throw failure(503, 'ServiceUnavailable', 'no');
  };
  const { told } = join('a');
  await clock.advance(100);
  api.fault = () => undefined;
  await clock.advance(150);
  t.equal(told.at(-1), true);
});

t.test('work runs while leading and is stopped when that ends', async (t) => {
  const leading$ = new Subject<boolean>();
  const log: string[] = [];
  const work = () => {
    log.push('start');
    return new Observable<never>(() => () => log.push('stop'));
  };
  const running = whileLeading(leading$, work).subscribe();
  for (const leading of [false, true, true, false, true]) leading$.next(leading);
  running.unsubscribe();
  t.strictSame(log, ['start', 'stop', 'start', 'stop']);
  t.ok(whileLeading(NEVER, () => EMPTY));
});
