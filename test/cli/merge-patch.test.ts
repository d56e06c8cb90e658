import t from 'tap';
import { threeWayPatch } from '#cli/merge-patch.ts';

const cases = [
  {
    name: 'nothing to do when what stands covers the document',
    last: { spec: { replicas: 1 } },
    wanted: { spec: { replicas: 1 } },
    live: { spec: { replicas: 1, paused: false } },
    patch: undefined,
  },
  {
    name: 'a changed value is sent',
    last: { spec: { replicas: 1 } },
    wanted: { spec: { replicas: 2 } },
    live: { spec: { replicas: 1 } },
    patch: { spec: { replicas: 2 } },
  },
  {
    name: 'a field that the document no longer names is removed',
    last: { metadata: { labels: { a: '1', b: '2' } } },
    wanted: { metadata: { labels: { a: '1' } } },
    live: { metadata: { labels: { a: '1', b: '2', c: '3' } } },
    patch: { metadata: { labels: { b: null } } },
  },
  {
    name: 'a field set by others stays',
    last: undefined,
    wanted: { spec: { image: 'a' } },
    live: { spec: { image: 'a', nodeName: 'n' } },
    patch: undefined,
  },
  {
    name: 'defaults inside list items are no difference',
    last: undefined,
    wanted: { spec: { containers: [{ name: 'a', image: 'i' }] } },
    live: { spec: { containers: [{ name: 'a', image: 'i', imagePullPolicy: 'Always' }] } },
    patch: undefined,
  },
  {
    name: 'a list item that lost a field is sent',
    last: { list: [{ name: 'a', x: 1 }] },
    wanted: { list: [{ name: 'a' }] },
    live: { list: [{ name: 'a', x: 1 }] },
    patch: { list: [{ name: 'a' }] },
  },
  {
    name: 'a drifted value is put back though the document did not change',
    last: { spec: { replicas: 3 } },
    wanted: { spec: { replicas: 3 } },
    live: { spec: { replicas: 1 } },
    patch: { spec: { replicas: 3 } },
  },
];

for (const { name, last, wanted, live, patch } of cases) {
  t.test(name, async (t) => t.strictSame(threeWayPatch(last, wanted, live), patch));
}
