/** Volumes that begin empty, parts of volumes, and names put together from variables, on a real node. */
import { image, shell, startRealRig } from './real-rig.ts';

const { rig, test } = await startRealRig();
const mount = (more: object = {}) => ({ volumeMounts: [{ name: 'v', mountPath: '/v', ...more }] });
const empty = (medium: string) => ({
  volumes: [{ name: 'v', emptyDir: medium === 'tmpfs' ? { medium: 'Memory' } : {} }],
});
/** What the directory is a mount of, and its mode. */
const kind = "grep -q ' /v tmpfs ' /proc/mounts && echo tmpfs || echo default; stat -c %a /v";

for (const medium of ['default', 'tmpfs']) {
  for (const user of ['root', 'non-root'])
    for (const mode of ['0644', '0666', '0777'])
      test(`EmptyDir volumes should support (${user},${mode},${medium})`, async (t) => {
        const script = `${kind}; umask 0; echo content >/v/file; chmod ${mode} /v/file; stat -c '%a %u' /v/file; cat /v/file`;
        const spec = user === 'root' ? {} : { securityContext: { runAsUser: 1001 } };
        const { pod, logs } = await rig.ended(
          { ...shell(script), ...mount() },
          { ...empty(medium), ...spec },
        );
        t.equal(pod.status?.phase, 'Succeeded');
        const uid = user === 'root' ? 0 : 1001;
        t.strictSame(logs.split('\n'), [medium, '777', `${Number(mode)} ${uid}`, 'content', '']);
      });
  test(`EmptyDir volumes volume on ${medium === 'tmpfs' ? 'tmpfs' : 'default medium'} should have the correct mode`, async (t) => {
    const { logs } = await rig.ended({ ...shell(kind), ...mount() }, empty(medium));
    t.equal(logs, `${medium}\n777\n`);
  });
}

test('EmptyDir volumes pod should support shared volumes between containers', async (t) => {
  const reader = shell('until grep . /v/file 2>/dev/null; do sleep 0.05; done', mount());
  const writer = shell('echo Hello from the busy-box sub-container >/v/file', mount());
  const { pod, logs } = await rig.ended(
    {},
    {
      ...empty('tmpfs'),
      containers: [
        { name: 'main', image, ...reader },
        { name: 'sub', image, ...writer },
      ],
    },
  );
  t.strictSame([pod.status?.phase, logs], ['Succeeded', 'Hello from the busy-box sub-container\n']);
});

const maps = async () => ({
  configmap: { configMap: { name: await rig.keep('configmaps', { data: { file: 'content' } }) } },
  secret: {
    secret: { secretName: await rig.keep('secrets', { stringData: { file: 'content' } }) },
  },
  downward: {
    downwardAPI: { items: [{ path: 'file', fieldRef: { fieldPath: "metadata.labels['sub']" } }] },
  },
  projected: {
    projected: {
      sources: [
        { configMap: { name: await rig.keep('configmaps', { data: { file: 'content' } }) } },
      ],
    },
  },
});
for (const [of, where] of [
  ['configmap', ''],
  ['configmap', ' with mountPath of existing file'],
  ['downward', ''],
  ['projected', ''],
  ['secret', ''],
] as const)
  test(`Subpath Atomic writer volumes should support subpaths with ${of} pod${where}`, async (t) => {
    const volumes = [{ name: 'v', ...(await maps())[of] }];
    const mountPath = where === '' ? '/probe-volume/test-file' : '/etc/passwd';
    const script = shell(`for i in 1 2 3; do cat ${mountPath}; echo; sleep 0.1; done`);
    const volumeMounts = [{ name: 'v', mountPath, subPath: 'file' }];
    const { pod, logs } = await rig.ended(
      { ...script, volumeMounts },
      { volumes },
      { labels: { sub: 'content' } },
    );
    t.strictSame([pod.status?.phase, logs], ['Succeeded', 'content\ncontent\ncontent\n']);
  });

test('Variable Expansion should allow composing env vars into new env vars', async (t) => {
  const env = [
    { name: 'FOO', value: 'foo-value' },
    { name: 'BAR', value: 'bar-value' },
    { name: 'FOOBAR', value: '$(FOO);;$(BAR)' },
    { name: 'KEPT', value: '$$(FOO) $(NONE) $(LATER)' },
    { name: 'LATER', value: 'later' },
  ];
  const { logs } = await rig.ended({ ...shell('echo "$FOO $BAR $FOOBAR $KEPT"'), env });
  t.equal(logs, 'foo-value bar-value foo-value;;bar-value $(FOO) $(NONE) $(LATER)\n');
});
test("Variable Expansion should allow substituting values in a container's command", async (t) => {
  const env = [{ name: 'TEST_VAR', value: 'test-value' }];
  const { logs } = await rig.ended({ ...shell('TEST_VAR=wrong; echo "$(TEST_VAR)"'), env });
  t.equal(logs, 'test-value\n');
});
test("Variable Expansion should allow substituting values in a container's args", async (t) => {
  const env = [{ name: 'TEST_VAR', value: 'test-value' }];
  const args = ['echo "$(TEST_VAR)" \'$$(TEST_VAR)\''];
  const { logs } = await rig.ended({ command: ['sh', '-c'], args, env });
  t.equal(logs, 'test-value $(TEST_VAR)\n');
});

const podName = [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }];
const annotated = [
  {
    name: 'ANNOTATION',
    valueFrom: { fieldRef: { fieldPath: "metadata.annotations['mysubpath']" } },
  },
];
const subPaths = (subPathExpr: string, env: object[]) => ({
  env,
  volumeMounts: [
    { name: 'v', mountPath: '/logscontainer', subPathExpr },
    { name: 'v', mountPath: '/testcontainer' },
  ],
});

test('Variable Expansion should allow substituting values in a volume subpath', async (t) => {
  const script =
    'test -d /testcontainer/$POD_NAME && stat -c %i /testcontainer/$POD_NAME /logscontainer';
  const { pod, logs } = await rig.ended(
    { ...shell(script), ...subPaths('$(POD_NAME)', podName) },
    empty('default'),
  );
  t.equal(pod.status?.phase, 'Succeeded');
  t.equal(new Set(logs.trim().split('\n')).size, 1, 'one directory');
});

for (const [what, value] of [
  ['backticks', '..'],
  ['absolute path', '/tmp'],
] as const)
  test(`Variable Expansion should fail substituting values in a volume subpath with ${what}`, async (t) => {
    const env = [{ name: 'POD_NAME', value }];
    const pod = await rig.make(
      {
        ...shell('true'),
        ...subPaths('$(POD_NAME)', env),
      },
      empty('default'),
    );
    const { status } = await rig.pod(pod, 'refused', ({ status }) => {
      const { waiting, terminated } = status?.containerStatuses?.[0]?.state ?? {};
      return terminated !== undefined || waiting?.reason === 'CreateContainerConfigError';
    });
    t.match(status?.containerStatuses?.[0]?.state?.waiting?.message, /subPath|subpath/);
  });

test('Variable Expansion should verify that a failing subpath expansion can be modified during the lifecycle of a container', async (t) => {
  const pod = await rig.make(
    {
      ...shell('test -d /testcontainer/mypath && echo there; sleep 1000'),
      ...subPaths('$(ANNOTATION)/$(POD_NAME)', [...annotated, ...podName]),
    },
    empty('default'),
    { annotations: { mysubpath: '/bad' } },
  );
  await rig.pod(
    pod,
    'refused',
    ({ status }) =>
      status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
  );
  await rig.change(rig.path('pods', pod), ({ metadata }) => {
    metadata.annotations.mysubpath = 'mypath';
  });
  await rig.ready(pod);
  t.equal(await rig.written(pod, /there/), 'there\n');
});

test('Variable Expansion should succeed in writing subpaths in container', async (t) => {
  const pod = await rig.make(
    {
      ...shell('sleep 1000'),
      ...subPaths('$(ANNOTATION)/$(POD_NAME)', [...annotated, ...podName]),
    },
    empty('default'),
    { annotations: { mysubpath: 'mypath' } },
  );
  await rig.ready(pod);
  const script = `echo yes >/logscontainer/test.log; cat /testcontainer/mypath/${pod}/test.log`;
  t.equal(await rig.exec(pod, script), 'yes\n');
  await rig.change(rig.path('pods', pod), ({ metadata }) => {
    metadata.annotations.mysubpath = 'mynewpath';
  });
  t.equal(await rig.exec(pod, `cat /testcontainer/mypath/${pod}/test.log`), 'yes\n', 'as it was');
});

test('ImageVolume should succeed with pod and pull policy of Always', async (t) => {
  const volumes = [
    { name: 'v', image: { reference: image, pullPolicy: 'Always' } },
    { name: 'kept', emptyDir: {} },
  ];
  const volumeMounts = [
    { name: 'v', mountPath: '/volume' },
    { name: 'v', mountPath: '/part', subPath: 'bin' },
  ];
  const script =
    'cmp /volume/bin/busybox /bin/busybox && cmp /part/busybox /bin/busybox && echo same; touch /volume/x; /volume/bin/busybox true';
  const { logs } = await rig.ended({ ...shell(script), volumeMounts }, { volumes });
  t.match(logs, /^same$/m);
  t.match(logs, /\/volume\/x: Read-only file system/);
  t.match(logs, /\/volume\/bin\/busybox: Permission denied/);
});
test('an image volume that is not there keeps its container waiting, and no other', async (t) => {
  const volumes = [
    { name: 'none', image: { reference: 'bayplan.local/none:1', pullPolicy: 'Never' } },
    { name: 'v', image: { reference: image } },
  ];
  const containers = [
    {
      name: 'main',
      image,
      ...shell('sleep 1000'),
      volumeMounts: [{ name: 'none', mountPath: '/n' }],
    },
    {
      name: 'part',
      image,
      ...shell('sleep 1000'),
      volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 'no' }],
    },
    {
      name: 'well',
      image,
      ...shell('ls /v; sleep 1000'),
      volumeMounts: [{ name: 'v', mountPath: '/v' }],
    },
  ];
  const pod = await rig.make({}, { containers, volumes });
  await rig.written(pod, /bin/, 'well');
  const { status } = await rig.pod(pod, 'waiting', (one) =>
    [0, 1].every((i) =>
      /Err|Config/.test(one.status?.containerStatuses?.[i]?.state?.waiting?.reason ?? ''),
    ),
  );
  const waiting = status?.containerStatuses?.map(({ state }) => state?.waiting?.reason);
  t.strictSame(waiting, ['ErrImageNeverPull', 'CreateContainerConfigError', undefined]);
});
