import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { containers, snapshots } from '#api/resources/resource-types.ts';
import { notFound } from '#api/resources/status.ts';
import { snapshotController } from '#controller/snapshot/controller.ts';
import type { Snapshot, SnapshotSpec } from '#controller/snapshot/types.ts';
import { survivesCrashes, whole } from '../../support/crash.ts';
import { type MemoryApi, memoryApi } from '../../support/memory-collection.ts';

const document = (name: string, spec: Partial<SnapshotSpec>, status?: object): Snapshot =>
  ({
    apiVersion: 'bayplan.dev/v1alpha1',
    kind: 'Snapshot',
    metadata: { name, namespace: 'default' },
    spec: { image: `${name}:1`, source: { container: 'web' }, ...spec },
    ...(status === undefined ? {} : { status }),
  }) as Snapshot;

const container = (name: string): ApiObject =>
  ({
    apiVersion: 'bayplan.dev/v1alpha1',
    kind: 'Container',
    metadata: { name, namespace: 'default' },
    status: { node: 'n1' },
  }) as ApiObject;

/** The images of the one node, by API. */
const held = new WeakMap<MemoryApi, Set<string>>();
const imagesOf = (api: MemoryApi) => held.get(api) ?? new Set();

/** The API over a node that commits containers and removes images. */
function committing(): MemoryApi {
  const api = memoryApi();
  const images = new Set(['foreign:1']);
  held.set(api, images);
  const request: MemoryApi['request'] = async (method, path) => {
    const url = new URL(path, 'http://api');
    if (method === 'POST') {
      const name = url.pathname.split('/').at(-2) ?? '';
      if (api.store.find(containers, { name, namespace: 'default' }) === undefined) {
        throw notFound(containers, name);
      }
      const image = url.searchParams.get('reference') ?? '';
      images.add(image);
      const changed = { added: 1, modified: 0, deleted: 0 };
      return { Digest: `sha256:${image}`, Size: 1, Changed: changed };
    }
    const name = decodeURIComponent(url.pathname.split('/').at(-1) ?? '');
    if (!images.delete(name)) throw notFound(containers, name);
    return undefined;
  };
  api.seed(containers, container('web'));
  api.seed(snapshots, document('foreign', {}, { phase: 'Ready', digest: 'sha256:x', node: 'n1' }));
  return Object.assign(api, { request });
}

const create = (name: string, spec: Partial<SnapshotSpec>) => (api: MemoryApi) =>
  api.collection<Snapshot>(snapshots).create(document(name, spec));

const picture = (api: MemoryApi) => ({
  images: [...imagesOf(api)].sort().join(' '),
  all: whole(api, snapshots),
});

t.test('a crash at any write takes each once, and removes what has expired with its image', (t) =>
  survivesCrashes(
    t,
    {
      controllers: [snapshotController],
      api: committing,
      steps: [
        create('once', {}),
        create('briefly', { expireAfterSeconds: 30, removeImage: true }),
        create('kept', { expireAfterSeconds: 30 }),
        create('wrong', { source: { container: 'web', pod: 'web' } }),
        create('early', { source: { container: 'late' } }),
        (api) => api.seed(containers, container('late')),
        (_, clock) => clock.advance(31_000),
      ],
      picture,
      // What is not there yet is asked for every two seconds.
      lookMs: 1_000,
      foreign: /foreign/,
      never: (api) =>
        api.store.find(snapshots, { name: 'briefly', namespace: 'default' }) === undefined &&
        imagesOf(api).has('briefly:1') &&
        api.requests.includes('delete snapshots/default/briefly')
          ? 'the image outlived its document'
          : undefined,
    },
    {
      writes: 12,
      end: {
        images: 'early:1 foreign:1 kept:1 once:1',
        all: [
          [
            {
              metadata: { name: 'early' },
              status: {
                phase: 'Ready',
                node: 'n1',
                conditions: [{ reason: 'Taken', message: undefined }],
              },
            },
            { metadata: { name: 'foreign' } },
            { metadata: { name: 'once' }, status: { phase: 'Ready', digest: 'sha256:once:1' } },
            { metadata: { name: 'wrong' }, status: { phase: 'Failed' } },
          ],
        ],
      },
    },
  ),
);

const children = (api: MemoryApi) =>
  (api.store.all(snapshots) as Snapshot[]).filter(({ metadata }) => metadata.ownerReferences);

t.test('a crash at any write takes each of a schedule once, and keeps as many as are wanted', (t) =>
  survivesCrashes(
    t,
    {
      controllers: [snapshotController],
      api: committing,
      steps: [
        create('often', { schedule: { everySeconds: 60, keep: 2 }, removeImage: true }),
        ...Array.from(
          { length: 3 },
          () => (_: MemoryApi, clock: { advance(ms: number): unknown }) => clock.advance(60_000),
        ),
      ],
      // Names and images tell the time at which they were taken.
      picture: (api) => ({
        children: children(api).map(({ status }) => status?.phase),
        images: imagesOf(api).size,
        all: api.store.all(snapshots).length,
      }),
      foreign: /foreign/,
      never: (api) => (children(api).length > 2 ? 'more than are kept' : undefined),
    },
    { writes: 15, end: { children: ['Ready', 'Ready'], images: 3, all: 4 } },
  ),
);
