import t from 'tap';
import { Entry } from '#api/storage/entry.ts';
import { decodeStored, encodeStored } from '#api/storage/stored-object.ts';

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', resourceVersion: '7', labels: { app: 'x' } },
  spec: { metadata: { resourceVersion: 'of something else' } },
};

const entryOf = (value: Buffer | string, revision = 12) =>
  Entry.from({ key: '/registry/pods/default/a', value: Buffer.from(value), revision });

t.test('an object is stored without its version and read back with the revision', async (t) => {
  const value = encodeStored(pod);
  const head = '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","labels"';
  t.ok(value.toString().startsWith(head));
  t.same(decodeStored({ value, revision: 12 }), {
    ...pod,
    metadata: { ...pod.metadata, resourceVersion: '12' },
  });
  t.equal(pod.metadata.resourceVersion, '7', 'the given object is as it was');
});

t.test('an entry serves the stored bytes with the version in them', async (t) => {
  const value = encodeStored(pod);
  const entry = entryOf(value);
  t.same(JSON.parse(entry.body().toString()), decodeStored({ value, revision: 12 }));
  t.same(entry.object(), decodeStored({ value, revision: 12 }));
  t.same(entry.value, value);
  t.same(entry.at(345).value, value);
  t.equal(entry.at(345).object().metadata.resourceVersion, '345');
  t.same(entry.labels, { app: 'x' });
});

t.test('the parsed object is shared and cannot be changed', async (t) => {
  const entry = entryOf(encodeStored(pod));
  t.equal(entry.object(), entry.object());
  t.throws(() => {
    entry.object().metadata.name = 'b';
  }, TypeError);
});

t.test('another apiVersion can be shown', async (t) => {
  const entry = entryOf(encodeStored({ ...pod, apiVersion: 'example.dev/v1' }));
  const shown = JSON.parse(entry.body('example.dev/v1beta1').toString());
  t.same(shown, { ...entry.object(), apiVersion: 'example.dev/v1beta1' });
  t.equal(entry.body('example.dev/v1'), entry.body(), 'not copied if it is the stored one');
});

t.test('values with another head are served too', async (t) => {
  for (const value of [
    '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}',
    '{ "kind": "Pod", "apiVersion": "v1", "metadata": { "name": "a" } }\n',
    '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","resourceVersion":"3"}}'.replace(
      '"kind":"Pod","apiVersion":"v1"',
      '"apiVersion":"v1","kind":"Pod"',
    ),
  ]) {
    const metadata = { name: 'a', resourceVersion: '12' };
    t.same(JSON.parse(entryOf(value).body().toString()), {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
    });
  }
});

t.test('an object with empty metadata is served as valid JSON', async (t) => {
  const entry = entryOf('{"kind":"Pod","apiVersion":"v1","metadata":{}}');
  t.same(entry.object().metadata, { resourceVersion: '12' });
  t.equal(entry.value.toString(), '{"kind":"Pod","apiVersion":"v1","metadata":{}}');
});

t.test('what is not the JSON of an object is refused', async (t) => {
  for (const value of [
    '',
    'k8s\0\n',
    '[]',
    '"text"',
    '{"kind":"Pod"}',
    'null',
    '{"metadata":{}}',
  ]) {
    t.throws(() => entryOf(value), SyntaxError, value);
  }
});
