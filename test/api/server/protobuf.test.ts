/** What clients get who ask for protobuf, as client-go's typed clients and informers do. */
import t from 'tap';
import { typeSchema } from '#api/schema/facts.ts';
import { createKinds } from '#api/schema/kinds.ts';
import { readEnvelope, readMessage } from '#api/schema/protobuf.ts';
import { encodeObject } from '#api/schema/protobuf-encode.ts';
import type { Schema } from '#api/schema/schema.ts';
import { startTestServer } from '../../support/api-server.ts';
import { configMap, pod, widgetDefinition } from '../../support/objects.ts';
import { raw, rawBytes } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const kinds = createKinds();
const protobuf = 'application/vnd.kubernetes.protobuf';
const accept = `${protobuf},application/json`;
const metadataOnly = `${protobuf};as=PartialObjectMetadata;g=meta.k8s.io;v=v1`;
const podSchema = typeSchema('core.v1.Pod');
const pods = '/api/v1/namespaces/default/pods';

/** A list's message, which no table of facts has. */
const listOf = (items: Schema): Schema => ({
  type: 'object',
  fields: new Map([
    ['metadata', { schema: typeSchema('meta.v1.ListMeta'), protobuf: 1 }],
    ['items', { schema: { type: 'array', items }, protobuf: 2 }],
  ]),
});
const partialSchema: Schema = {
  type: 'object',
  fields: new Map([['metadata', { schema: typeSchema('meta.v1.ObjectMeta'), protobuf: 1 }]]),
};

// biome-ignore lint/suspicious/noExplicitAny: tests look into documents of every shape.
function decoded(bytes: Buffer, schema: Schema): any {
  const { apiVersion, kind, raw: message } = readEnvelope(bytes);
  return { apiVersion, kind, ...readMessage(schema, message) };
}

await raw(server, 'POST', pods, { body: pod('p1', { app: 'web' }) });
await raw(server, 'POST', pods, { body: pod('p2') });

t.test('an object has in protobuf what it has in JSON', async (t) => {
  const { json } = await raw(server, 'GET', `${pods}/p1`);
  const answer = await rawBytes(server, 'GET', `${pods}/p1`, { headers: { accept } });
  t.equal(answer.headers['content-type'], protobuf);
  t.strictSame(decoded(answer.bytes, podSchema), json);
});

t.test('every built-in kind comes back from its own message', async (t) => {
  for (const kind of kinds.all()) {
    const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
    const object = { apiVersion, kind: kind.kind, ...sample(kind.schema, 0) };
    const bytes = encodeObject(kind.schema, object);
    const back = decoded(bytes, kind.schema);
    t.strictSame(sorted(back), sorted(object), `${apiVersion} ${kind.kind}`);
  }
});

t.test('lists, their pages and their metadata', async (t) => {
  const list = await rawBytes(server, 'GET', `${pods}?limit=1`, { headers: { accept } });
  const { apiVersion, kind, metadata, items } = decoded(list.bytes, listOf(podSchema));
  t.strictSame([apiVersion, kind, items.length], ['v1', 'PodList', 1]);
  t.match(metadata, { resourceVersion: /^\d+$/, continue: /./, remainingItemCount: 1 });
  const partial = await rawBytes(server, 'GET', pods, { headers: { accept: metadataOnly } });
  const found = decoded(partial.bytes, listOf(partialSchema));
  t.strictSame([found.apiVersion, found.kind], ['meta.k8s.io/v1', 'PartialObjectMetadataList']);
  t.match(found.items, [{ metadata: { name: 'p1', labels: { app: 'web' } } }, {}]);
});

t.test('writes are answered in it, failures too', async (t) => {
  const headers = { accept, 'content-type': protobuf };
  const maps = '/api/v1/namespaces/default/configmaps';
  const schema = typeSchema('core.v1.ConfigMap');
  const body = encodeObject(schema, configMap('c', { a: 'b' }) as never);
  const made = await rawBytes(server, 'POST', maps, { headers, body });
  t.equal(made.status, 201);
  t.match(decoded(made.bytes, schema), { kind: 'ConfigMap', data: { a: 'b' } });
  const again = await rawBytes(server, 'POST', maps, { headers, body });
  t.equal(again.status, 409);
  t.match(decoded(again.bytes, typeSchema('meta.v1.Status')), {
    kind: 'Status',
    reason: 'AlreadyExists',
    code: 409,
    details: { name: 'c', kind: 'configmaps' },
  });
  const gone = await rawBytes(server, 'DELETE', `${maps}/c`, { headers: { accept } });
  t.match(decoded(gone.bytes, typeSchema('meta.v1.Status')), { status: 'Success' });
});

t.test('a watch is a row of frames, each with its length before it', async (t) => {
  for (const [ask, schema] of [
    [accept, podSchema],
    [metadataOnly, partialSchema],
  ] as const) {
    const path = `${pods}?watch=true&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`;
    const answer = await rawBytes(server, 'GET', path, { headers: { accept: ask } });
    t.equal(answer.headers['content-type'], `${protobuf};stream=watch`);
    const events = framesOf(answer.bytes).map(({ type, raw: body }) => [
      type,
      decoded(body, schema),
    ]);
    t.match(events, [
      ['ADDED', { metadata: { name: 'p1' } }],
      ['ADDED', { metadata: { name: 'p2' } }],
      ['BOOKMARK', { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } }],
      ['BOOKMARK', {}],
    ]);
    t.equal(events[2]?.[1].kind, events[0]?.[1].kind, 'a bookmark has the kind of the others');
  }
});

t.test('what has no message is 406, metadata of custom kinds can be had', async (t) => {
  const table = `${protobuf};as=Table;g=meta.k8s.io;v=v1`;
  t.equal((await raw(server, 'GET', pods, { headers: { accept: table } })).status, 406);
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  t.equal((await raw(server, 'POST', definitions, { body: widgetDefinition() })).status, 201);
  const widgets = '/apis/example.com/v1/namespaces/default/widgets';
  const widget = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' } };
  t.equal((await raw(server, 'POST', widgets, { body: widget })).status, 201);
  const refused = await raw(server, 'GET', widgets, { headers: { accept: protobuf } });
  t.equal(refused.status, 406);
  const { bytes } = await rawBytes(server, 'GET', `${widgets}/w`, {
    headers: { accept: metadataOnly },
  });
  t.match(decoded(bytes, partialSchema), { metadata: { name: 'w', namespace: 'default' } });
});

t.test('YAML is one of the forms', async (t) => {
  const headers = { accept: 'application/yaml' };
  const { text, headers: got } = await raw(server, 'GET', pods, { headers });
  t.equal(got['content-type'], 'application/yaml');
  t.match(text, /^kind: PodList\napiVersion: v1\n[\s\S]*\nitems:\n- /);
});

interface Frame {
  readonly type: string;
  readonly raw: Buffer;
}

function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  const event: Schema = {
    type: 'object',
    fields: new Map([
      ['type', { schema: { type: 'string' }, protobuf: 1 }],
      [
        'object',
        {
          schema: {
            type: 'object',
            fields: new Map([['raw', { schema: { type: 'bytes' }, protobuf: 1 }]]),
          },
          protobuf: 2,
        },
      ],
    ]),
  };
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const { type, object } = readMessage(event, bytes.subarray(at + 4, at + 4 + length)) as {
      type: string;
      object: { raw: string };
    };
    frames.push({ type, raw: Buffer.from(object.raw, 'base64') });
    at += 4 + length;
  }
  return frames;
}

/** A value with every field of the type in it that a message can hold, four levels deep. */
function sample(schema: Schema, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [name, field] of schema.fields ?? []) {
    if (field.protobuf === undefined) continue;
    const value = anyValue(field.schema, depth + 1);
    if (value !== undefined) object[name] = value;
  }
  return object;
}

function anyValue(schema: Schema, depth: number): unknown {
  switch (schema.type) {
    case 'object':
      if (depth > 6) return undefined;
      return schema.also === undefined
        ? sample(schema, depth)
        : anyValue(schema.also[0] ?? schema, depth);
    case 'map': {
      const value = anyValue(schema.items ?? { type: 'any' }, depth + 1);
      return value === undefined ? undefined : { k: value, é: value };
    }
    case 'array': {
      const value = anyValue(schema.items ?? { type: 'any' }, depth + 1);
      return value === undefined ? undefined : [value, value];
    }
    case 'string':
      return depth % 2 === 0 ? 'text' : `ünï${'x'.repeat(40)}`;
    case 'integer':
      return depth % 2 === 0 ? 300 : -7;
    case 'number':
      return 1.5;
    case 'boolean':
      return true;
    case 'bytes':
      return 'AP8=';
    case 'quantity':
      return '100m';
    case 'int-or-string':
      return depth % 2 === 0 ? 'http' : 8080;
    case 'time':
      return '2024-01-02T03:04:05Z';
    case 'micro-time':
      return '2024-01-02T03:04:05.678901Z';
    case 'any':
      return { 'f:x': [1, null, 'a'] };
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
