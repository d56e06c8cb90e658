import { resolve } from 'node:path';
import t from 'tap';
import { customResourceDefinitions } from '#api/resources/resource-types.ts';
import type { CustomResourceDefinition } from '#api/resources/types.ts';
import { definitionsController, readDefinitions } from '#controller/crds/install.ts';
import { survivesCrashes, whole } from '../../support/crash.ts';
import { memoryApi } from '../../support/memory-collection.ts';

const crds = resolve(import.meta.dirname, '../../../crds');
const installed = definitionsController(crds);
const ours = await readDefinitions(crds);

const foreign = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'foreign.example.com' },
  spec: {},
} as CustomResourceDefinition;

t.test('a crash at any write installs each definition once, in the newest form', (t) =>
  survivesCrashes(
    t,
    {
      controllers: [installed],
      api: () => {
        const api = memoryApi();
        const [first, second] = ours as [CustomResourceDefinition, CustomResourceDefinition];
        const old = { 'bayplan.dev/definition-hash': 'old', theirs: 'x' };
        api.seed(customResourceDefinitions, foreign, second);
        api.seed(customResourceDefinitions, {
          ...first,
          metadata: { ...first.metadata, annotations: old },
          spec: { ...first.spec, versions: [] },
        } as CustomResourceDefinition);
        return api;
      },
      // The files are read in real time.
      steps: [() => readDefinitions(crds)],
      picture: (api) => ({
        names: api.store.all(customResourceDefinitions).map(({ metadata }) => metadata.name),
        all: whole(api, customResourceDefinitions),
      }),
      foreign: /foreign/,
    },
    {
      writes: ours.length + 1,
      end: {
        names: [...ours.map(({ metadata }) => metadata.name), foreign.metadata.name].sort(),
        all: [
          [
            {
              metadata: { annotations: { theirs: 'x' } },
              spec: { versions: [{ name: 'v1alpha1' }] },
            },
          ],
        ],
      },
    },
  ),
);
