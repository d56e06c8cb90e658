import t from 'tap';
import { startTestServer } from '../../support/api-server.ts';
import { type RawOptions, raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());

const maps = '/api/v1/namespaces/default/configmaps';

const send = (method: string, path: string, options: RawOptions = {}) =>
  raw(server, method, path, options);

const map = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });

const wrong = [
  {
    name: 'no manager',
    query: '',
    code: 422,
    message: /fieldManager: Required value: is required for apply patch/,
  },
  {
    name: 'a manager that is too long',
    query: `fieldManager=${'x'.repeat(129)}`,
    code: 422,
    message: /fieldManager: Too long: may not be more than 128 bytes/,
  },
  {
    name: 'a force that is no boolean',
    query: 'fieldManager=a&force=maybe',
    code: 400,
    message: /invalid syntax/,
  },
  {
    name: 'another name',
    body: map('other'),
    code: 400,
    message: /name of the object \(other\) does not match the name on the URL \(wrong\)/,
  },
  {
    name: 'another namespace',
    body: { ...map('wrong'), metadata: { name: 'wrong', namespace: 'else' } },
    code: 400,
    message: /namespace of the provided object does not match/,
  },
  {
    name: 'another kind',
    body: { ...map('wrong'), kind: 'Secret' },
    code: 400,
    message: /invalid object type: v1, Kind=Secret/,
  },
  {
    name: 'managers of its own',
    body: { ...map('wrong'), metadata: { name: 'wrong', managedFields: [{}] } },
    code: 400,
    message: /metadata.managedFields must be nil/,
  },
  {
    name: 'an unknown field',
    body: { ...map('wrong'), colour: 'red' },
    code: 400,
    message: /\.colour: field not declared in schema/,
  },
  { name: 'a body that is no object', body: '- a\n', code: 400, message: /must be an object/ },
  { name: 'a body that is not YAML', body: '{"a": [}', code: 400, message: /error/ },
  {
    name: 'a field named twice, when strict',
    query: 'fieldManager=a&fieldValidation=Strict',
    body: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"wrong","name":"wrong"}}',
    code: 400,
    message: /strict decoding YAML.*duplicate field "metadata.name"/,
  },
  {
    name: 'a uid of what does not exist',
    body: { ...map('wrong'), metadata: { name: 'wrong', uid: 'u' } },
    code: 409,
    message: /uid mismatch: the provided object specified uid u, and no existing object was found/,
  },
  {
    name: 'a version of what does not exist',
    body: { ...map('wrong'), metadata: { name: 'wrong', resourceVersion: '1' } },
    code: 404,
    message: /not found/,
  },
];

for (const { name, query = 'fieldManager=a', body = map('wrong'), code, message } of wrong) {
  t.test(`it is refused for ${name}`, async (t) => {
    const headers = { 'content-type': 'application/apply-patch+yaml' };
    const refused = await send('PATCH', `${maps}/wrong?${query}`, { headers, body });
    t.equal(refused.status, code);
    t.match(refused.json.message, message);
    t.equal((await send('GET', `${maps}/wrong`)).status, 404);
  });
}

t.test('CBOR is no form of a configuration here', async (t) => {
  const headers = { 'content-type': 'application/apply-patch+cbor' };
  const body = Buffer.from([0xa0]);
  const refused = await send('PATCH', `${maps}/wrong?fieldManager=a`, { headers, body });
  t.equal(refused.status, 415);
  t.match(refused.json.message, /application\/apply-patch\+yaml/);
});
