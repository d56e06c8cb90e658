import t from 'tap';
import { failedStatus, plan, takenStatus } from '#controller/snapshot/plan.ts';
import type { Snapshot } from '#controller/snapshot/types.ts';

const now = Date.parse('2026-01-01T00:01:00Z');
const made = (spec: object, status?: object, generation = 1): Snapshot =>
  ({
    apiVersion: 'bayplan.dev/v1alpha1',
    kind: 'Snapshot',
    metadata: { name: 's', namespace: 'ns', generation },
    spec: { image: 'web:1', source: { container: 'web' }, ...spec },
    ...(status === undefined ? {} : { status }),
  }) as Snapshot;

t.test('a new snapshot is taken of its source', async (t) => {
  t.same(plan(made({ message: 'a b', changes: ['CMD x', 'USER 1'] }), now), {
    type: 'commit',
    path: '/apis/bayplan.dev/v1alpha1/namespaces/ns/containers/web/commit?reference=web%3A1&comment=a+b&changes=CMD+x&changes=USER+1',
  });
  t.same(plan(made({ source: { pod: 'p', podContainer: 'c' } }), now), {
    type: 'commit',
    path: '/api/v1/namespaces/ns/pods/p/commit?reference=web%3A1&container=c',
  });
});

t.test('a source that is none or two is refused', async (t) => {
  for (const source of [{}, { container: 'a', pod: 'b' }])
    t.match(plan(made({ source }), now), { type: 'refuse', why: /^spec.source: / });
});

t.test('it is taken once, and goes when its time is over', async (t) => {
  const ready = { phase: 'Ready', takenAt: '2026-01-01T00:00:00Z', observedGeneration: 1 };
  t.same(plan(made({}, ready, 2), now), { type: 'nothing' });
  t.same(plan(made({ expireAfterSeconds: 90 }, ready), now), { type: 'wait', ms: 30_000 });
  t.same(plan(made({ expireAfterSeconds: 60 }, ready), now), { type: 'expire' });
});

t.test('what failed for good is tried again with another spec only', async (t) => {
  const failed = failedStatus(made({}), { message: 'no', final: true }, now);
  t.match(failed, {
    phase: 'Failed',
    conditions: [{ type: 'Ready', status: 'False', message: 'no' }],
  });
  t.same(plan(made({}, failed), now), { type: 'nothing' });
  t.equal(plan(made({}, failed, 2), now).type, 'commit');
  const later = failedStatus(made({}), { message: 'not yet', final: false }, now);
  t.equal(plan(made({}, later), now).type, 'commit');
});

t.test('what was taken is told', async (t) => {
  const changed = { added: 1, modified: 2, deleted: 3 };
  const status = takenStatus(
    made({}),
    { Digest: 'sha256:ab', Size: 7, Changed: changed },
    'n1',
    now,
  );
  t.match(status, { phase: 'Ready', digest: 'sha256:ab', sizeBytes: 7, node: 'n1', changed });
  t.equal(status.takenAt, '2026-01-01T00:01:00Z');
});
