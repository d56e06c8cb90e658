/** `bay system`: what is shown, and what filters mean. */
import t from 'tap';
import { createdBefore, usageRows } from '#cli/commands/system.ts';
import type { Container } from '#cli/container.ts';

const container = (phase: string): Container => ({
  apiVersion: 'bayplan.dev/v1alpha1',
  kind: 'Container',
  metadata: { name: phase },
  spec: { image: 'x' },
  status: { phase },
});

t.test('usage is summed over nodes and shown as docker does', async (t) => {
  const node = {
    images: { total: 3, active: 1, sizeBytes: 1_000_000, reclaimableBytes: 700_000 },
    containers: { total: 1, sizeBytes: 212 },
    volumes: [
      { namespace: 'default', name: 'used', sizeBytes: 100 },
      { namespace: 'other', name: 'used', sizeBytes: 50 },
    ],
  };
  t.strictSame(usageRows([node, node], [container('exited')]), [
    ['Images', '6', '2', '2MB', '1.4MB (70%)'],
    ['Containers', '1', '0', '424B', '424B (100%)'],
    ['Local Volumes', '4', '0', '300B', '300B (100%)'],
  ]);
  const using: Container = {
    ...container('exited'),
    metadata: { name: 'x', namespace: 'default' },
    spec: { image: 'x', mounts: [{ type: 'volume', source: 'used', target: '/d' }] },
  };
  t.strictSame(usageRows([node], [using])[2], ['Local Volumes', '2', '1', '150B', '50B (33%)']);
  const [, running] = usageRows([node], [container('running'), container('exited')]);
  t.strictSame(running, ['Containers', '2', '1', '212B', '0B (0%)']);
  t.equal(usageRows([], [])[0]?.[4], '0B');
});

t.test('filters are durations or times', async (t) => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  t.equal(createdBefore(['until=24h'], now), now - 86_400_000);
  t.equal(createdBefore(['until=1h30m'], now), now - 5_400_000);
  t.equal(createdBefore(['until=2026-01-01T00:00:00Z'], now), now - 86_400_000);
  t.equal(createdBefore([], now), undefined);
  for (const bad of ['until=', 'until=soon', 'label=x']) {
    t.throws(() => createdBefore([bad], now), { message: /write until=24h/ }, bad);
  }
});
