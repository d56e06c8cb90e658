import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as Either from 'fp-ts/lib/Either.js';
import t from 'tap';
import { decodeBody } from '#api/schema/decode.ts';
import { describe, describedField, parseDeclaration } from '#api/schema/descriptions.ts';
import { openapiDocument, openapiIndex } from '#api/schema/openapi.ts';
import { cronTab, kindsWithCronTab } from './fixtures.ts';
import { startKubectlServer } from './kubectl-server.ts';

const kinds = kindsWithCronTab();
const skip =
  spawnSync('kubectl', ['version', '--client']).error === undefined ? false : 'needs kubectl';

async function read(path: string) {
  const document = await openapiDocument(kinds, path);
  return JSON.parse(document === undefined ? 'null' : gunzipSync(document.packed).toString());
}

t.test('the index names a document for each version, under its hash', async (t) => {
  const { paths } = JSON.parse(openapiIndex(kinds).bytes.toString('utf8'));
  const document = await openapiDocument(kinds, 'apis/apps/v1');
  t.equal(
    paths['apis/apps/v1'].serverRelativeURL,
    `/openapi/v3/apis/apps/v1?hash=${document?.hash}`,
  );
  t.ok(paths['api/v1'] !== undefined && paths['apis/stable.example.com/v1'] !== undefined);
  t.equal(await openapiDocument(kinds, 'apis/nobody/v1'), undefined);
  t.equal(await openapiDocument(kinds, 'apis/apps/v1'), document, 'made once');
});

t.test('every reference in a document leads to a component of it', async (t) => {
  const { paths } = JSON.parse(openapiIndex(kinds).bytes.toString('utf8'));
  for (const path of Object.keys(paths)) {
    const document = await read(path);
    const references = JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g);
    const missing = [...references]
      .map(([, name = '']) => name)
      .filter((name) => document.components.schemas[name] === undefined);
    t.strictSame(missing, [], path);
  }
});

t.test('PATCH tells kubectl its parameters and types, schemas tell how lists merge', async (t) => {
  const { paths, components } = await read('api/v1');
  const { patch } = paths['/api/v1/namespaces/{namespace}/pods/{name}'];
  t.strictSame(patch['x-kubernetes-group-version-kind'], { group: '', version: 'v1', kind: 'Pod' });
  t.ok(patch.parameters.some((each: { name: string }) => each.name === 'fieldValidation'));
  t.ok(patch.requestBody.content['application/strategic-merge-patch+json'] !== undefined);
  t.match(components.schemas['io.k8s.api.core.v1.PodSpec'].properties.containers, {
    type: 'array',
    items: { allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.Container' }] },
    'x-kubernetes-patch-merge-key': 'name',
    'x-kubernetes-patch-strategy': 'merge',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
  });
  const custom = await read('apis/stable.example.com/v1');
  const item = custom.paths['/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}'];
  t.notOk('application/strategic-merge-patch+json' in item.patch.requestBody.content);
});

t.test("a custom kind's document follows its definition", async (t) => {
  const registry = kindsWithCronTab();
  const before = openapiIndex(registry).hash;
  const changed = cronTab();
  changed.metadata.resourceVersion = '8';
  changed.spec.versions[0] = {
    ...changed.spec.versions[0],
    schema: { openAPIV3Schema: { type: 'object', description: 'Another.' } },
  } as never;
  registry.setCustom([changed]);
  t.not(openapiIndex(registry).hash, before);
  const document = await openapiDocument(registry, 'apis/stable.example.com/v1');
  t.match(
    JSON.parse(gunzipSync(document?.packed ?? Buffer.alloc(0)).toString()).components.schemas,
    {
      'com.example.stable.v1.CronTab': {
        description: 'Another.',
        'x-kubernetes-group-version-kind': [
          { group: 'stable.example.com', kind: 'CronTab', version: 'v1' },
        ],
      },
    },
  );
});

t.test('descriptions are read from declarations, whatever they call a field', async (t) => {
  const text = `/**
* A thing.
*/
export declare class V1Thing {
    /**
    * The pod\\'s name.
    */
    'name'?: string;
    'plain': number;
    /**
    * Where it goes on.
    */
    '_continue'?: string;
}`;
  const description = parseDeclaration(text, 'V1Thing');
  t.equal(description.type, 'A thing.');
  t.equal(describedField(description, 'name'), "The pod's name.");
  t.equal(describedField(description, 'continue'), 'Where it goes on.');
  t.equal(describedField(description, 'plain'), undefined);
  t.ok((await describe('io.k8s.api.core.v1.Event')).fields.has('reason'));
  t.strictSame((await describe('io.k8s.api.core.v1.Nothing')).fields.size, 0);
});

t.test('kubectl explains built-in and custom kinds', { skip }, async (t) => {
  const server = await startKubectlServer(kinds);
  t.teardown(() => server.close());
  const explain = async (...args: string[]) => (await server.kubectl('explain', ...args)).output;
  t.match(
    await explain('pod.spec.containers'),
    /FIELD: containers <\[\]Container>[\s\S]*imagePullPolicy/,
  );
  t.match(
    await explain('deployment', '--recursive'),
    /template\t<PodTemplateSpec>[\s\S]*readinessProbe/,
  );
  t.match(await explain('crontab'), /A table of things to do in time\./);
  t.match(await explain('crontab.spec.cronSpec'), /When\./);
  t.match(await explain('pod.spec.nowhere'), /field "nowhere" does not exist/);
});

t.test(
  'kubectl applies built-in kinds by strategic merge, custom ones by merge',
  { skip },
  async (t) => {
    const server = await startKubectlServer(kinds, true);
    t.teardown(() => server.close());
    const dir = t.testdir({});
    const apply = async (object: object) => {
      const file = join(dir, 'object.json');
      writeFileSync(file, JSON.stringify(object));
      const { code, output } = await server.kubectl('apply', '-f', file);
      t.equal(code, 0, output);
      return server.writes.at(-1);
    };
    const pod = (image: string) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'default' },
      spec: {
        containers: [
          { name: 'a', image: 'x' },
          { name: 'b', image },
        ],
      },
    });
    t.match(await apply(pod('x:1')), { method: 'POST', url: /fieldValidation=Strict/ });
    const patched = await apply(pod('x:2'));
    t.equal(patched?.contentType, 'application/strategic-merge-patch+json');
    t.match(JSON.parse(patched?.body.toString('utf8') ?? ''), {
      spec: {
        $setElementOrder: undefined,
        '$setElementOrder/containers': [{ name: 'a' }, { name: 'b' }],
        containers: [{ name: 'b', image: 'x:2' }],
      },
    });
    const tab = (cronSpec: string) => ({
      apiVersion: 'stable.example.com/v1',
      kind: 'CronTab',
      metadata: { name: 'c', namespace: 'default' },
      spec: { cronSpec },
    });
    await apply(tab('* * * * *'));
    t.equal((await apply(tab('1 * * * *')))?.contentType, 'application/merge-patch+json');
  },
);

t.test("kubectl's protobuf bodies are read as its own JSON says them", { skip }, async (t) => {
  const server = await startKubectlServer(kinds);
  t.teardown(() => server.close());
  const commands = [
    'create namespace n',
    'create configmap c --from-literal=a=b --from-literal=empty=',
    'create secret generic s --from-literal=a=b',
    'create deployment d --image=i:1 --replicas=3 --port=80',
    'create ingress i --rule=h.example/p*=svc:8080,tls=cert --class=c',
    'create quota q --hard=cpu=1500m,pods=2',
    'create priorityclass p --value=0',
    'create service nodeport s --tcp=80:http',
  ];
  for (const command of commands) {
    const args = command.split(' ');
    const { output } = await server.kubectl(...args, '--dry-run=client', '-o', 'json');
    const sent = await server.kubectl(...args);
    t.equal(sent.code, 0, sent.output);
    const write = server.writes.at(-1);
    if (write === undefined) throw new Error(`kubectl ${command} wrote nothing`);
    const decoded = decodeBody(undefined, write.body, write.contentType, 'Strict', kinds);
    const object = Either.isRight(decoded) ? decoded.right.object : decoded.left;
    t.strictSame(withoutNulls(object), withoutNulls(JSON.parse(output)), command);
  }
});

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(kept.map(([name, item]) => [name, withoutNulls(item)]));
}
