/** Snapshots over and over. */
import t from 'tap';
import { imagePath } from '#controller/snapshot/plan.ts';
import { imageAt, schedule } from '#controller/snapshot/schedule.ts';
import type { Snapshot } from '#controller/snapshot/types.ts';

const begin = Date.parse('2026-01-01T00:00:00Z');
const parent = {
  apiVersion: 'bayplan.dev/v1alpha1',
  kind: 'Snapshot',
  metadata: {
    name: 'daily',
    namespace: 'ns',
    uid: 'u',
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: {
    image: 'web:daily',
    source: { container: 'web' },
    schedule: { everySeconds: 3600, keep: 2 },
    expireAfterSeconds: 90,
  },
} as Snapshot;
const at = (hours: number) => schedule(parent, [], begin + hours * 3_600_000 + 60_000).create;
const child = (hours: number) => at(hours) as Snapshot;

t.test('one is made for each time, named by it, and not twice', async (t) => {
  const first = schedule(parent, [], begin);
  t.match(first, { waitMs: 3_600_000, remove: [] });
  t.match(first.create, {
    metadata: {
      name: 'daily-20260101t000000',
      namespace: 'ns',
      ownerReferences: [{ uid: 'u', controller: true }],
    },
    spec: { image: 'web:daily-20260101T000000', expireAfterSeconds: 90 },
  });
  t.notOk('schedule' in (first.create?.spec ?? {}), 'it is taken once');
  const again = schedule(parent, [child(0)], begin + 60_000);
  t.match(again, { create: undefined, waitMs: 3_540_000 });
  t.equal(at(5)?.metadata.name, 'daily-20260101t050000', 'times nobody looked at are passed over');
});

t.test('no more are kept than wanted, the newest', async (t) => {
  const now = begin + 3 * 3_600_000;
  const names = (all: readonly Snapshot[]) => all.map(({ metadata }) => metadata.name);
  const three = [child(2), child(0), child(1)];
  t.strictSame(names(schedule(parent, three, now).remove), names([child(0), child(1)]));
  t.strictSame(
    names(schedule(parent, [...three, child(3)], now).remove),
    names([child(0), child(1)]),
  );
  const { keep: _, ...schedule2 } = parent.spec.schedule ?? { everySeconds: 1, keep: 1 };
  const all = { ...parent, spec: { ...parent.spec, schedule: schedule2 } } as Snapshot;
  t.strictSame(schedule(all, three, now).remove, []);
});

t.test('an image goes with its snapshot only when it is told so', async (t) => {
  t.equal(imageAt('web', begin), 'web:snapshot-20260101T000000');
  t.equal(imageAt('reg:5000/web:1', begin), 'reg:5000/web:1-20260101T000000');
  const taken = { ...parent, status: { phase: 'Ready', node: 'n1' } } as Snapshot;
  t.equal(imagePath(taken), undefined);
  const both = { ...taken, spec: { ...taken.spec, removeImage: true } } as Snapshot;
  t.equal(imagePath(both), '/api/v1/nodes/n1/proxy/images/web%3Adaily?force=true');
});
