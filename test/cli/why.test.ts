import t from 'tap';
import { causeOf, type Full } from '#cli/why/cause.ts';
import { sentence } from '#cli/why/chain.ts';

const pod = (status: object, spec: object = {}): Full => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default' },
  spec,
  status,
});
const container = (state: object, more: object = {}) =>
  pod({
    phase: 'Running',
    containerStatuses: [
      { name: 'c', image: 'shop/web:1', ready: false, restartCount: 4, state, ...more },
    ],
  });
const unscheduled = (message: string) =>
  pod({
    phase: 'Pending',
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
  });

const cases: readonly [string, Full, RegExp, RegExp?][] = [
  [
    'an image',
    container({ waiting: { reason: 'ImagePullBackOff', message: 'no such tag' } }),
    /its container c waits \(ImagePullBackOff: no such tag\)/,
    /bay pull shop\/web:1/,
  ],
  [
    'a crash',
    container(
      { waiting: { reason: 'CrashLoopBackOff' } },
      { lastState: { terminated: { exitCode: 3 } } },
    ),
    /ends with exit code 3, 4 times by now/,
    /bay logs -p -c c pod\/p/,
  ],
  [
    'memory',
    container(
      { waiting: { reason: 'CrashLoopBackOff' } },
      { lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } },
    ),
    /more memory than its limit/,
    /raise resources\.limits\.memory of c/,
  ],
  [
    'no program',
    container({ terminated: { exitCode: 127 } }),
    /its program was not found/,
    /mend command and args/,
  ],
  [
    'a ConfigMap',
    container({
      waiting: { reason: 'CreateContainerConfigError', message: 'configmap "x" not found' },
    }),
    /configmap "x" not found/,
    /create what is missing/,
  ],
  ['a probe', container({ running: {} }), /readiness probe has not succeeded/, /bay logs/],
  [
    'room',
    unscheduled('0/1 nodes are available: 1 Insufficient cpu.'),
    /no node takes it: 0\/1/,
    /lower resources\.requests/,
  ],
  [
    'a taint',
    unscheduled('0/1 nodes are available: 1 node(s) had untolerated taint {a: b}.'),
    /untolerated/,
    /spec\.tolerations/,
  ],
  [
    'a node',
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n' },
      status: { conditions: [{ type: 'Ready', status: 'Unknown', message: 'silent' }] },
    },
    /is not ready: silent/,
    /its agent runs/,
  ],
  [
    'a claim',
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'c' },
      spec: {},
      status: { phase: 'Pending' },
    },
    /is Pending, with no volume/,
    /storageClassName/,
  ],
  [
    'a GitSync',
    {
      apiVersion: 'bayplan.dev/v1alpha1',
      kind: 'GitSync',
      metadata: { name: 'g' },
      status: {
        conditions: [
          {
            type: 'Ready',
            status: 'False',
            reason: 'RenderFailed',
            message: 'a.yaml:1: x\nb.yaml:2: y',
          },
        ],
      },
    },
    /RenderFailed\): a\.yaml:1: x; b\.yaml:2: y/,
    /mend the documents/,
  ],
  [
    'a finalizer',
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'm', deletionTimestamp: 'x', finalizers: ['a/b'] },
    },
    /is being deleted, and waits for a\/b/,
  ],
];

for (const [what, object, says, fix] of cases) {
  t.test(`${what} is told`, async (t) => {
    const cause = causeOf(object);
    t.match(cause?.says, says);
    if (fix !== undefined) t.match(cause?.fix, fix);
  });
}

t.test('what is well is not complained of', async (t) => {
  t.equal(causeOf(pod({ phase: 'Succeeded' })), undefined);
  t.equal(
    causeOf(
      pod({
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ name: 'c', ready: true, state: { running: {} } }],
      }),
    ),
    undefined,
  );
  t.equal(causeOf({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } }), undefined);
});

t.test('a chain is one sentence', async (t) => {
  const links = [
    { label: 'deployment.apps/web', cause: { says: 'is not as it should be (0 of 1)' } },
    { label: 'pod/web-1', cause: { says: 'its container c waits.' } },
  ];
  t.equal(
    sentence(links),
    'deployment.apps/web is not as it should be (0 of 1), because pod/web-1: its container c waits.',
  );
});
