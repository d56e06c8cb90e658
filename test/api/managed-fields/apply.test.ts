import type { JsonObject } from '#api/resources/json.ts';
import { testSituations } from './situations.ts';
import { builtIn } from './world.ts';

const configMaps = builtIn('', 'configmaps');
const deployments = builtIn('apps', 'deployments');

const spec = (fields: JsonObject): JsonObject => ({ spec: fields });

testSituations([
  {
    name: 'the first to apply owns what the configuration names',
    kind: configMaps,
    steps: [{ apply: ['a', { data: { x: '1' } }] }],
    fields: { data: { x: '1' } },
    owners: { 'a Apply': ['.data.x'] },
  },
  {
    name: 'what the manager leaves out is removed',
    kind: configMaps,
    steps: [{ apply: ['a', { data: { x: '1', y: '2' } }] }, { apply: ['a', { data: { x: '1' } }] }],
    fields: { data: { x: '1' } },
    owners: { 'a Apply': ['.data.x'] },
  },
  {
    name: 'the last field takes what it is in with it',
    kind: configMaps,
    steps: [
      { apply: ['a', { data: { x: '1' }, immutable: false }] },
      { apply: ['a', { immutable: false }] },
    ],
    fields: { immutable: false },
    owners: { 'a Apply': ['.immutable'] },
  },
  {
    name: 'the same value is owned together',
    kind: configMaps,
    steps: [{ apply: ['a', { data: { x: '1' } }] }, { apply: ['b', { data: { x: '1' } }] }],
    fields: { data: { x: '1' } },
    owners: { 'a Apply': ['.data.x'], 'b Apply': ['.data.x'] },
  },
  {
    name: 'what others own too stays when one of them gives it up',
    kind: configMaps,
    steps: [
      { apply: ['a', { data: { x: '1', y: '2' } }] },
      { apply: ['b', { data: { x: '1' } }] },
      { apply: ['a', { data: { y: '2' } }] },
    ],
    fields: { data: { x: '1', y: '2' } },
    owners: { 'a Apply': ['.data.y'], 'b Apply': ['.data.x'] },
  },
  {
    name: 'another value is a conflict, and nothing is changed',
    kind: configMaps,
    steps: [
      { apply: ['a', { data: { x: '1' } }] },
      {
        apply: ['b', { data: { x: '2', z: '3' } }],
        refused: /^Apply failed with 1 conflict: conflict with "a": \.data\.x$/,
      },
    ],
    fields: { data: { x: '1' } },
    owners: { 'a Apply': ['.data.x'] },
  },
  {
    name: 'force takes the field over',
    kind: configMaps,
    steps: [
      { apply: ['a', { data: { x: '1', y: '1' } }] },
      { apply: ['b', { data: { x: '2' } }], force: true },
    ],
    fields: { data: { x: '2', y: '1' } },
    owners: { 'a Apply': ['.data.y'], 'b Apply': ['.data.x'] },
  },
  {
    name: 'who lost a field by force may agree again',
    kind: configMaps,
    steps: [
      { apply: ['a', { data: { x: '1' } }] },
      { apply: ['b', { data: { x: '2' } }], force: true },
      { apply: ['a', { data: { x: '1' } }], refused: /conflict with "b": \.data\.x/ },
      { apply: ['a', { data: { x: '2' } }] },
    ],
    fields: { data: { x: '2' } },
    owners: { 'a Apply': ['.data.x'], 'b Apply': ['.data.x'] },
  },
  {
    name: 'all conflicts are told, by manager',
    kind: configMaps,
    steps: [
      { apply: ['b', { data: { x: '1', y: '1' } }] },
      { update: ['c', { data: { x: '1', y: '1', z: '1' } }] },
      {
        apply: ['a', { data: { x: '2', y: '2', z: '2' } }],
        refused:
          /^Apply failed with 3 conflicts: conflicts with "b":\n- \.data\.x\n- \.data\.y\nconflicts with "c" using v1:\n- \.data\.z$/,
      },
    ],
    fields: { data: { x: '1', y: '1', z: '1' } },
    owners: { 'b Apply': ['.data.x', '.data.y'], 'c Update': ['.data.z'] },
  },
  {
    name: 'who updated before is another manager, even of the same name',
    kind: configMaps,
    steps: [
      { update: ['a', { data: { x: '1' } }] },
      { apply: ['a', { data: { x: '2' } }], refused: /conflict with "a" using v1: \.data\.x/ },
      { apply: ['a', { data: { x: '2' } }], force: true },
    ],
    fields: { data: { x: '2' } },
    owners: { 'a Apply': ['.data.x'], 'a Update': ['.data'] },
  },
  {
    name: 'an update takes what it changes from appliers',
    kind: configMaps,
    steps: [
      { apply: ['a', { data: { x: '1', y: '1' } }] },
      { update: ['c', { data: { x: '2', y: '1' } }] },
    ],
    fields: { data: { x: '2', y: '1' } },
    owners: { 'a Apply': ['.data.y'], 'c Update': ['.data.x'] },
  },
  {
    name: 'what was not owned by the applier is not removed by leaving it out',
    kind: configMaps,
    steps: [
      { apply: ['a', { data: { x: '1' } }] },
      { update: ['c', { data: { x: '1', y: '1' } }] },
      { apply: ['a', { data: { x: '2' } }] },
    ],
    fields: { data: { x: '2', y: '1' } },
    owners: { 'a Apply': ['.data.x'], 'c Update': ['.data.y'] },
  },
  {
    name: 'an update that removes a field removes it from all who own it',
    kind: configMaps,
    steps: [
      { apply: ['a', { data: { x: '1', y: '1' } }] },
      { apply: ['b', { data: { x: '1' } }] },
      { update: ['c', { data: { y: '1' } }] },
    ],
    fields: { data: { y: '1' } },
    owners: { 'a Apply': ['.data.y'] },
  },
  {
    name: 'null is owned, and leaves nothing behind in a built-in kind',
    kind: deployments,
    steps: [
      { apply: ['a', spec({ replicas: 3, paused: true })] },
      { apply: ['a', spec({ replicas: null, paused: true })] },
    ],
    fields: spec({ paused: true }),
    owners: { 'a Apply': ['.spec.paused', '.spec.replicas'] },
  },
  {
    name: 'equal quantities are no conflict however they are written',
    kind: deployments,
    steps: [
      {
        update: [
          'c',
          spec({
            template: {
              spec: { containers: [{ name: 'x', resources: { limits: { cpu: '1' } } }] },
            },
          }),
        ],
      },
      {
        apply: [
          'a',
          spec({
            template: {
              spec: { containers: [{ name: 'x', resources: { limits: { cpu: '1000m' } } }] },
            },
          }),
        ],
      },
    ],
    fields: spec({
      template: { spec: { containers: [{ name: 'x', resources: { limits: { cpu: '1' } } }] } },
    }),
    owners: {
      'a Apply': ['', '.name', '.resources.limits.cpu'].map(
        (end) => `.spec.template.spec.containers[name="x"]${end}`,
      ),
      'c Update': [
        ...['', '.name', '.resources', '.resources.limits', '.resources.limits.cpu'].map(
          (end) => `.spec.template.spec.containers[name="x"]${end}`,
        ),
      ],
    },
  },
]);
