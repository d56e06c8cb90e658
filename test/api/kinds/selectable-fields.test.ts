import t from 'tap';
import { checkFieldSelector, fieldValue } from '#api/kinds/selectable-fields.ts';
import { parseFieldSelector } from '#api/resources/selector.ts';
import { kindOf, object } from './cases.ts';

t.test('a field selector asks only what the kind offers', async (t) => {
  const pods = kindOf('v1', 'Pod');
  t.equal(
    checkFieldSelector(pods, parseFieldSelector('spec.nodeName=n,metadata.name!=a,status.phase=x')),
    undefined,
  );
  const unknown = checkFieldSelector(pods, parseFieldSelector('spec.color=red'));
  t.match(unknown, { code: 400, message: 'field label not supported: spec.color' });
  const pod = object('v1', 'Pod', {
    spec: { nodeName: 'n' },
    status: { podIPs: [{ ip: '10.0.0.1' }] },
  });
  const values: [string, string][] = [
    ['metadata.name', 'x'],
    ['metadata.namespace', 'default'],
    ['spec.nodeName', 'n'],
    ['spec.hostNetwork', 'false'],
    ['status.phase', ''],
    ['status.podIPs', '10.0.0.1'],
  ];
  for (const [path, value] of values) t.equal(fieldValue(pods, pod, path), value, path);
  t.equal(
    fieldValue(kindOf('v1', 'Node'), object('v1', 'Node', {}), 'spec.unschedulable'),
    'false',
  );
});
