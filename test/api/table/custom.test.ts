import t from 'tap';
import type { Column, Kind } from '#api/schema/kind.ts';
import { tableOf } from '#api/table/table.ts';
import { creationTimestamp, kindOf, now, object } from './cases.ts';

t.test('a custom kind shows what its columns point to', async (t) => {
  const column = (name: string, type: string, jsonPath: string): Column => ({
    name,
    type,
    jsonPath,
    format: '',
    priority: 0,
  });
  const columns: Column[] = [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    column('Replicas', 'integer', '.spec.replicas'),
    column('Ready', 'string', '.status.conditions[?(@.type=="Ready")].status'),
    column('Started', 'date', '.status.startedAt'),
    column('On', 'boolean', '.spec.on'),
    column('Ports', 'string', '.spec.ports[*]'),
    column('Labels', 'string', '.metadata.labels'),
    column('Absent', 'string', '.spec.absent'),
    column('Wrong', 'integer', '.spec.on'),
    column('Age', 'date', '.metadata.creationTimestamp'),
  ];
  const kind = {
    ...kindOf('v1', 'Pod'),
    group: 'a.b',
    kind: 'Widget',
    columns,
    custom: { uid: 'u', revised: false },
  } as Kind;
  const widget = object('a.b/v1', 'Widget', {
    metadata: { name: 'w', creationTimestamp, labels: { a: 'b' } },
    spec: { replicas: 3, on: true, ports: [80, 81] },
    status: { startedAt: '2026-01-01T00:59:00Z', conditions: [{ type: 'Ready', status: 'True' }] },
  });
  const { rows } = tableOf(kind, [widget], { now });
  t.strictSame(rows[0]?.cells, [
    'w',
    3,
    'True',
    '60s',
    true,
    '80,81',
    '{"a":"b"}',
    null,
    null,
    '5m',
  ]);
});
