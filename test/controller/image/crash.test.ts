import t from 'tap';
import { images, nodes } from '#api/resources/resource-types.ts';
import { imageController } from '#controller/image/controller.ts';
import type { NodeImages } from '#controller/image/node-images.ts';
import type { Image, ImageSpec } from '#controller/image/types.ts';
import { type Scenario, survivesCrashes, type Write, whole } from '../../support/crash.ts';
import { digestFor, FakeNodes } from '../../support/fake-nodes.ts';
import { type MemoryApi, memoryApi } from '../../support/memory-collection.ts';
import { document, labelled, web } from './rig.ts';

const archive = 'https://files.example/web.tar';
const library = (name: string) => `docker.io/library/${name}`;
const mirror = 'mirror.example/web:1';

/** The nodes of each API. */
const fakes = new WeakMap<MemoryApi, FakeNodes>();
const fakeOf = (api: MemoryApi): FakeNodes => fakes.get(api) as FakeNodes;

/** What is done to nodes and registries is a write, too. */
const guarded = (fake: FakeNodes, write: Write): NodeImages => ({
  list: (node) => fake.list(node),
  pull: (node, name, options) => write(`pull ${name}`, () => fake.pull(node, name, options)),
  push: (node, name, options) => write(`push ${name}`, () => fake.push(node, name, options)),
  loadFrom: (node, url, options) => write(`load ${url}`, () => fake.loadFrom(node, url, options)),
  tag: (node, source, name) => write(`tag ${name}`, () => fake.tag(node, source, name)),
  remove: (node, name) => write(`remove ${name}`, () => fake.remove(node, name)),
});

/** Two nodes that hold an image of somebody else. */
function twoNodes(): MemoryApi {
  const api = memoryApi();
  const fake = new FakeNodes();
  fake.remote.set(web, () => digestFor('1'));
  fake.remote.set(archive, () => digestFor('2'));
  for (const name of ['a', 'b']) {
    api.seed(nodes, labelled(name, 'x'));
    fake.put(name, digestFor('9'), 'foreign:1');
  }
  fakes.set(api, fake);
  return api;
}

const create = (name: string, spec: ImageSpec) => (api: MemoryApi) =>
  api.collection<Image>(images).create(document(spec, name));
const change = (name: string, spec: Partial<ImageSpec>) => (api: MemoryApi) =>
  api.collection<Image>(images).patch({ name }, { spec }, 'merge');

const scenario = (...steps: Scenario['steps']): Scenario => ({
  controllers: (api, write) => [imageController(guarded(fakeOf(api), write))],
  api: twoNodes,
  steps,
  picture: (api) => ({
    a: fakeOf(api).tagsOn('a').join(' '),
    b: fakeOf(api).tagsOn('b').join(' '),
    pushed: [...new Set(fakeOf(api).pushed.map(({ reference }) => reference))].join(' '),
    all: whole(api, images),
  }),
  // A transfer that failed is tried again after ten seconds.
  lookMs: 5_000,
  foreign: /foreign/,
});

t.test(
  'a crash at any write names and sends an image as its document says, and nothing else',
  (t) =>
    survivesCrashes(
      t,
      scenario(
        create('web', { source: { reference: web }, tags: ['one:1', 'shared:1'], push: [mirror] }),
        create('second', { source: { reference: web }, tags: ['shared:1'] }),
        change('web', { tags: ['two:1'] }),
      ),
      {
        writes: 15,
        end: {
          a: [library('shared:1'), library('two:1'), 'foreign:1', mirror, web].join(' '),
          b: [library('shared:1'), library('two:1'), 'foreign:1', mirror, web].join(' '),
          pushed: mirror,
        },
      },
    ),
);

t.test('a crash at any write takes all names away with the document, and no others', (t) =>
  survivesCrashes(
    t,
    scenario(
      create('web', { source: { url: archive }, tags: ['one:1', 'shared:1'] }),
      create('second', { source: { reference: web }, tags: ['two:1'] }),
      (api) => api.collection(images).delete({ name: 'web' }),
    ),
    {
      writes: 15,
      end: {
        a: [library('two:1'), 'foreign:1', web].join(' '),
        b: [library('two:1'), 'foreign:1', web].join(' '),
        all: [[{ metadata: { name: 'second' } }]],
      },
    },
  ),
);

t.test('a name that was given just before a crash goes, though nobody wants it by now', (t) =>
  survivesCrashes(
    t,
    {
      ...scenario(
        create('web', { source: { reference: web }, tags: ['one:1'] }),
        change('web', { tags: ['one:1', 'two:1'] }),
        change('web', { tags: ['one:1'] }),
      ),
      whileDead: (api) =>
        api.store.find(images, { name: 'web' }) && change('web', { tags: ['one:1'] })(api),
    },
    { writes: 10, end: { a: [library('one:1'), 'foreign:1', web].join(' ') } },
  ),
);
