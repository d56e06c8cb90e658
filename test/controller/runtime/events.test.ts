import t from 'tap';
import { events } from '#api/resources/resource-types.ts';
import { failure } from '#api/resources/status.ts';
import type { Event } from '#api/resources/types.ts';
import { EventRecorder } from '#controller/runtime/events.ts';
import { aPod } from '../../support/builders.ts';
import { memoryApi } from '../../support/memory-collection.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

function setUp() {
  const api = memoryApi();
  const clock = new VirtualClock();
  const recorder = new EventRecorder(api, 'test', { clock });
  const pod = aPod('p');
  pod.metadata.uid = 'u';
  const warn = (message: string) =>
    recorder.record(pod, { type: 'Warning', reason: 'Failed', message });
  return { api, clock, recorder, warn, all: () => api.store.all(events) as Event[] };
}

t.test('an event tells what happened to whom', async (t) => {
  const { clock, warn, all } = setUp();
  warn('it broke');
  t.equal(all().length, 0, 'it takes its time');
  await clock.advance(1_000);
  t.match(all(), [
    {
      metadata: { namespace: 'default', name: /^p\.[0-9a-f]{16}$/ },
      involvedObject: { kind: 'Pod', name: 'p', namespace: 'default', uid: 'u' },
      type: 'Warning',
      reason: 'Failed',
      message: 'it broke',
      source: { component: 'test' },
      count: 1,
    },
  ]);
});

t.test('the same event again is counted', async (t) => {
  const { clock, warn, all } = setUp();
  for (let i = 0; i < 5; i += 1) {
    warn('it broke');
    await clock.advance(1_000);
  }
  t.match(all(), [{ count: 5 }]);
});

t.test('after a while the same event is told anew', async (t) => {
  const { clock, warn, all } = setUp();
  warn('it broke');
  await clock.advance(700_000);
  warn('it broke');
  await clock.advance(1_000);
  t.equal(all().length, 2);
});

t.test('one object cannot flood the cluster with events', async (t) => {
  const { clock, warn, all } = setUp();
  for (let i = 0; i < 200; i += 1) warn(`it broke in way ${i}`);
  await clock.advance(1_000);
  t.equal(all().length, 25);
});

t.test('an API that refuses events disturbs nobody', async (t) => {
  const { api, clock, warn, all } = setUp();
  api.fault = () => {
    throw failure(403, 'Forbidden', 'no events');
  };
  warn('it broke');
  await clock.advance(1_000);
  api.fault = () => undefined;
  warn('it broke');
  await clock.advance(1_000);
  t.match(all(), [{ count: 1 }]);
});

t.test('a closed recorder sends nothing and holds no timer', async (t) => {
  const { clock, recorder, warn, all } = setUp();
  warn('it broke');
  recorder.close();
  warn('again');
  await clock.advance(1_000);
  t.strictSame([all().length, clock.pending], [0, 0]);
});
