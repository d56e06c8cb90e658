import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import t from 'tap';
import { customResourceDefinitions } from '#api/resources/resource-types.ts';
import { failure } from '#api/resources/status.ts';
import type { CustomResourceDefinition } from '#api/resources/types.ts';
import { checkDefinition } from '#api/schema/definition.ts';
import { definitionsController, readDefinitions } from '#controller/crds/install.ts';
import { running } from '../../support/controllers.ts';
import { flush } from '../../support/virtual-clock.ts';

const crds = resolve(import.meta.dirname, '../../../crds');

t.test('our own definitions are valid', async (t) => {
  const all = await readDefinitions(crds);
  t.strictSame(
    all.map(({ spec }) => spec.names.kind),
    ['Container', 'GitSync', 'Image', 'ImagePolicy', 'Snapshot'],
  );
  for (const definition of all)
    t.strictSame(checkDefinition(definition), [], definition.metadata.name);
});

t.test('an unreadable definition is told with its file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'controllers-crds-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'bad.yaml'), 'a: [');
  await t.rejects(readDefinitions(folder), /read the definition .*bad\.yaml/);
  await t.rejects(readDefinitions(join(folder, 'missing')), /ENOENT/);
});

async function setUp() {
  const reading = readDefinitions(crds);
  const run = running(definitionsController(crds, reading));
  // In real time, which the clock of the rest does not know.
  await reading;
  const all = () => run.api.store.all(customResourceDefinitions) as CustomResourceDefinition[];
  const rest = async () => {
    await flush();
    await run.settle();
  };
  return { ...run, all, rest };
}

t.test('missing definitions are created, once', async (t) => {
  const { api, start, all, rest } = await setUp();
  start();
  await rest();
  t.equal(all().length, 5);
  const { revision } = api.store;
  start();
  await rest();
  t.equal(api.store.revision, revision, 'the next start changes nothing');
});

t.test('definitions of another release are updated', async (t) => {
  const { api, start, all, rest } = await setUp();
  const [first] = await readDefinitions(crds);
  const old = structuredClone(first) as CustomResourceDefinition;
  old.metadata.annotations = { 'bayplan.dev/definition-hash': 'old', mine: 'x' };
  old.spec.names.shortNames = ['old'];
  api.seed(customResourceDefinitions, old);
  start();
  await rest();
  const now = all().find(({ metadata }) => metadata.name === old.metadata.name);
  t.strictSame(now?.spec, first?.spec);
  t.match(now?.metadata.annotations, { mine: 'x' });
});

t.test('an API that is not ready is asked until it is', async (t) => {
  const { api, start, all, rest, settle } = await setUp();
  api.fault = () => {
    throw failure(503, 'ServiceUnavailable', 'not yet');
  };
  start();
  await rest();
  t.equal(all().length, 0);
  api.fault = () => undefined;
  await settle(5_000);
  t.equal(all().length, 5);
});
