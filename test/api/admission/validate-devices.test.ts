import t from 'tap';
import type { JsonObject } from '#api/resources/json.ts';
import { changes, expectComplaints } from './cases.ts';

const dra = 'resource.k8s.io/v1';
const registration = 'apiregistration.k8s.io/v1';
const exactly = { deviceClassName: 'gpu.example.com' };
const claim = (...requests: object[]) => ({ spec: { devices: { requests } } });
const slice = (more: object) => ({
  spec: {
    driver: 'gpu.example.com',
    nodeName: 'n1',
    pool: { name: 'n1', generation: 1, resourceSliceCount: 1 },
    devices: [{ name: 'gpu-0' }],
    ...more,
  },
});

t.test('a mistake in what devices are asked for is refused by its field', async (t) => {
  expectComplaints(t, [
    [
      dra,
      'ResourceClaim',
      claim({ name: 'a' }),
      'spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required',
    ],
    [
      dra,
      'ResourceClaim',
      claim({ name: 'A b', exactly }),
      /spec\.devices\.requests\[0\]\.name: Invalid value: "A b"/,
    ],
    [
      dra,
      'ResourceClaim',
      claim({ name: 'a', exactly }, { name: 'a', exactly }),
      'spec.devices.requests[1].name: Duplicate value: "a"',
    ],
    [
      dra,
      'ResourceClaim',
      claim({ name: 'a', exactly: {} }),
      'spec.devices.requests[0].exactly.deviceClassName: Required value',
    ],
    [
      dra,
      'ResourceClaim',
      claim({ name: 'a', exactly: { ...exactly, count: -1 } }),
      'spec.devices.requests[0].exactly.count: Invalid value: -1: must be greater than zero',
    ],
    [
      dra,
      'ResourceClaim',
      claim({ name: 'a', exactly: { ...exactly, allocationMode: 'All', count: 2 } }),
      /count: Invalid value: 2: must not be specified when allocationMode is 'All'/,
    ],
    [
      dra,
      'ResourceClaim',
      {
        spec: {
          devices: {
            requests: [{ name: 'a', exactly }],
            constraints: [{ requests: ['b'], matchAttribute: 'example.com/x' }],
          },
        },
      },
      /spec\.devices\.constraints\[0\]\.requests\[0\]: Invalid value: "b": must be the name of a request/,
    ],
    [
      dra,
      'ResourceClaimTemplate',
      { spec: { spec: claim({ name: 'a' }).spec } },
      /spec\.spec\.devices\.requests\[0\]: Required value/,
    ],
    [dra, 'DeviceClass', { spec: { selectors: [{}] } }, 'spec.selectors[0].cel: Required value'],
    [dra, 'ResourceSlice', slice({ allNodes: true }), /exactly one of `nodeName`/],
    [dra, 'ResourceSlice', slice({ driver: '' }), 'spec.driver: Required value'],
    [
      dra,
      'ResourceSlice',
      slice({ devices: [{ name: 'a' }, { name: 'a' }] }),
      'spec.devices[1].name: Duplicate value: "a"',
    ],
    [
      dra,
      'ResourceSlice',
      slice({ pool: { name: 'n1', generation: 1, resourceSliceCount: 0 } }),
      'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
    ],
  ]);
});

const service = { namespace: 'default', name: 'api' };
const api = (more: object) => ({
  metadata: { name: 'v1.example.com' },
  spec: {
    group: 'example.com',
    version: 'v1',
    groupPriorityMinimum: 100,
    versionPriority: 10,
    ...more,
  },
});

t.test('an APIService is named for what it serves, and trusts in one way', async (t) => {
  expectComplaints(t, [
    [registration, 'APIService', api({ version: 'v2' }), /metadata\.name: Invalid value/],
    [
      registration,
      'APIService',
      api({ groupPriorityMinimum: 0 }),
      'spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000',
    ],
    [
      registration,
      'APIService',
      api({ versionPriority: 1001 }),
      'spec.versionPriority: Invalid value: 1001: must be positive and less than 1000',
    ],
    [
      registration,
      'APIService',
      api({ insecureSkipTLSVerify: true }),
      /local APIServices may not have insecureSkipTLSVerify/,
    ],
    [
      registration,
      'APIService',
      api({ service, insecureSkipTLSVerify: true, caBundle: 'eA==' }),
      'spec.insecureSkipTLSVerify: Forbidden: may not be true if caBundle is present',
    ],
    [
      registration,
      'APIService',
      api({ service: { name: 'api' } }),
      'spec.service.namespace: Required value',
    ],
  ]);
});

t.test('what a claim asked for and where a volume is stay as they are', async (t) => {
  const volume = (more: JsonObject) => ({
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      hostPath: { path: '/a' },
      ...more,
    },
  });
  const affinity = (key: string) => ({
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'Exists' }] }] },
  });
  const cases: [string, string, JsonObject, JsonObject, (string | RegExp)[]][] = [
    [
      dra,
      'ResourceClaim',
      claim({ name: 'a', exactly }),
      claim({ name: 'b', exactly }),
      [/^spec: Invalid value: .*: field is immutable$/],
    ],
    [dra, 'ResourceSlice', slice({}), slice({ devices: [{ name: 'gpu-1' }] }), []],
    [
      dra,
      'ResourceSlice',
      slice({}),
      slice({ nodeName: 'n2' }),
      ['spec.nodeName: Invalid value: "n2": field is immutable'],
    ],
    ['v1', 'PersistentVolume', volume({}), volume({ capacity: { storage: '2Gi' } }), []],
    ['v1', 'PersistentVolume', volume({}), volume({ nodeAffinity: affinity('a') }), []],
    [
      'v1',
      'PersistentVolume',
      volume({}),
      volume({ hostPath: { path: '/b' } }),
      [
        'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation',
      ],
    ],
    [
      'v1',
      'PersistentVolume',
      volume({}),
      volume({ volumeMode: 'Block' }),
      ['spec.volumeMode: Invalid value: "Block": field is immutable'],
    ],
    [
      'v1',
      'PersistentVolume',
      volume({ nodeAffinity: affinity('a') }),
      volume({ nodeAffinity: affinity('b') }),
      [/^spec\.nodeAffinity: Invalid value: .*field is immutable$/],
    ],
  ];
  for (const [apiVersion, kind, before, after, expected] of cases) {
    t.match(changes(apiVersion, kind, before, after), expected, kind);
    t.equal(changes(apiVersion, kind, before, after).length, expected.length);
  }
});
