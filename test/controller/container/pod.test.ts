import t from 'tap';
import { podOf, specHash } from '#controller/container/pod.ts';
import type { Container, ContainerSpec } from '#controller/container/types.ts';

const container = (spec: Partial<ContainerSpec>, labels?: Record<string, string>): Container => ({
  apiVersion: 'bayplan.dev/v1alpha1',
  kind: 'Container',
  metadata: { name: 'web', namespace: 'default', uid: 'u', ...(labels && { labels }) },
  spec: { image: 'busybox', ...spec },
});

const main = (spec: Partial<ContainerSpec>) => podOf(container(spec)).spec?.containers[0];

t.test(
  'the Pod has the container’s name, is owned by it and needs nothing but an image',
  async (t) => {
    const pod = podOf(container({}));
    t.match(pod.metadata, {
      name: 'web',
      namespace: 'default',
      labels: { 'bayplan.dev/container': 'web' },
      ownerReferences: [{ apiVersion: 'bayplan.dev/v1alpha1', kind: 'Container', uid: 'u' }],
    });
    t.strictSame(pod.spec, {
      containers: [{ name: 'main', image: 'busybox' }],
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 10,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
    });
  },
);

const policies: [ContainerSpec['restartPolicy'], string][] = [
  [undefined, 'Never'],
  ['no', 'Never'],
  ['always', 'Always'],
  ['unless-stopped', 'Always'],
  ['on-failure', 'OnFailure'],
];
for (const [restartPolicy, expected] of policies) {
  t.test(`restartPolicy ${restartPolicy} is ${expected}`, async (t) => {
    const spec = restartPolicy === undefined ? {} : { restartPolicy };
    t.equal(podOf(container(spec)).spec?.restartPolicy, expected);
  });
}

t.test('process, ports and terminal are passed on', async (t) => {
  const spec = {
    command: ['sh'],
    args: ['-c', 'true'],
    env: [{ name: 'A', value: 'b' }],
    workingDir: '/srv',
    tty: true,
    stdin: true,
    ports: [{ containerPort: 80, hostPort: 8080, hostIP: '127.0.0.1', protocol: 'TCP' }],
  };
  t.match(main(spec), spec);
  const pod = podOf(container({ hostname: 'h', stopTimeout: 3, stopSignal: 'QUIT' }));
  t.match(pod.spec, {
    hostname: 'h',
    terminationGracePeriodSeconds: 3,
    os: { name: 'linux' },
    containers: [{ lifecycle: { stopSignal: 'SIGQUIT' } }],
  });
});

t.test(
  'bind mounts are hostPath, volumes are emptyDir, a tmpfs is the node’s business',
  async (t) => {
    const { spec, metadata } = podOf(
      container({
        mounts: [
          { type: 'bind', source: '/data', target: '/in', readOnly: true, propagation: 'rslave' },
          { type: 'tmpfs', target: '/tmp', size: '64Mi' },
          { type: 'volume', target: '/var/lib' },
        ],
      }),
    );
    t.strictSame(spec?.volumes, [
      { name: 'mount-0', hostPath: { path: '/data' } },
      { name: 'mount-1', emptyDir: {} },
    ]);
    t.strictSame(spec?.containers[0]?.volumeMounts, [
      { name: 'mount-0', mountPath: '/in', readOnly: true, mountPropagation: 'HostToContainer' },
      { name: 'mount-1', mountPath: '/var/lib' },
    ]);
    t.strictSame(JSON.parse(metadata.annotations?.['bayplan.dev/settings'] ?? ''), {
      tmpfs: [{ target: '/tmp', size: '64Mi' }],
    });
  },
);

t.test('limits reserve nothing unless a reservation is asked for', async (t) => {
  t.strictSame(main({ resources: { cpu: '0.5', memory: '64Mi' } })?.resources, {
    limits: { cpu: '0.5', memory: '64Mi' },
    requests: { cpu: '0', memory: '0' },
  });
  t.strictSame(
    main({ resources: { memory: '64Mi', memoryReservation: '32Mi', cpuShares: 512 } })?.resources,
    {
      limits: { memory: '64Mi' },
      requests: { cpu: '500m', memory: '32Mi' },
    },
  );
});

t.test('user and security become a security context', async (t) => {
  t.strictSame(main({ user: '1000:1001' })?.securityContext, { runAsUser: 1000, runAsGroup: 1001 });
  t.strictSame(main({ user: 'root' })?.securityContext, { runAsUser: 0 });
  const security = { privileged: false, capabilities: { drop: ['ALL'] }, noNewPrivileges: true };
  t.strictSame(main({ security: { ...security, seccomp: 'unconfined' } })?.securityContext, {
    privileged: false,
    capabilities: { drop: ['ALL'] },
    allowPrivilegeEscalation: false,
    seccompProfile: { type: 'Unconfined' },
  });
});

t.test('namespaces and names of the Pod are as Docker’s modes say', async (t) => {
  const { spec } = podOf(
    container({
      network: 'host',
      pid: 'host',
      ipc: 'host',
      userns: 'private',
      ports: [{ containerPort: 80, hostPort: 8080 }],
      extraHosts: [{ ip: '10.0.0.1', hostnames: ['a', 'b'] }],
      dns: { servers: ['10.9.9.9'], options: ['ndots:2', 'rotate'] },
    }),
  );
  t.match(spec, {
    hostNetwork: true,
    hostPID: true,
    hostIPC: true,
    hostUsers: false,
    hostAliases: [{ ip: '10.0.0.1', hostnames: ['a', 'b'] }],
    dnsPolicy: 'None',
    dnsConfig: {
      nameservers: ['10.9.9.9'],
      options: [{ name: 'ndots', value: '2' }, { name: 'rotate' }],
    },
  });
  t.strictSame(spec?.containers[0]?.ports, [{ containerPort: 80 }]);
  const plain = podOf(container({ network: 'bridge', pid: 'private', userns: 'host' }));
  t.notOk('hostPID' in (plain.spec ?? {}));
  t.notOk('hostUsers' in (plain.spec ?? {}));
});

t.test(
  'what a Pod has no field for is told to the node, and nothing when there is none',
  async (t) => {
    const settings = (spec: Partial<ContainerSpec>) =>
      podOf(container(spec)).metadata.annotations?.['bayplan.dev/settings'];
    t.equal(
      settings({ init: false, ulimits: [], sysctls: {}, network: 'host', uts: 'private' }),
      undefined,
    );
    const said = {
      domainname: 'd',
      init: true,
      groups: ['9', 'audio'],
      ulimits: [{ name: 'nofile', soft: 1, hard: 2 }],
      shmSize: '1Gi',
      sysctls: { 'net.core.somaxconn': '9' },
      devices: [{ source: '/dev/fuse', path: '/dev/fuse' }],
      oomScoreAdj: 0,
      network: 'none',
      uts: 'host',
    } as const;
    const security = { unmasked: true, landlock: { readOnly: ['/bin'] } };
    const resources = { memory: '1Gi', memorySwap: '2Gi', cpuset: '0', pids: 5 };
    t.strictSame(JSON.parse(settings({ ...said, security, resources }) ?? ''), {
      ...said,
      ...security,
      resources: { memorySwap: '2Gi', cpuset: '0', pids: 5 },
    });
  },
);

t.test('a health check is a readiness probe', async (t) => {
  const probe = main({ healthcheck: { test: ['CMD-SHELL', 'test -e /ok'], retries: 5 } });
  t.match(probe?.readinessProbe, {
    exec: { command: ['/bin/sh', '-c', 'test -e /ok'] },
    failureThreshold: 5,
    periodSeconds: 30,
  });
  t.equal(main({ healthcheck: { test: ['NONE'] } })?.readinessProbe, undefined);
});

t.test('labels that Kubernetes cannot take stay with the document', async (t) => {
  const labels = { app: 'web', 'com.docker/weird label': 'x', note: 'two words' };
  t.strictSame(podOf(container({ labels }, { tier: 'front' })).metadata.labels, {
    app: 'web',
    tier: 'front',
    'bayplan.dev/container': 'web',
  });
});

t.test('the hash of a spec changes with what makes the Pod and with nothing else', async (t) => {
  const hash = (spec: Partial<ContainerSpec>) => specHash({ image: 'busybox', ...spec });
  t.equal(hash({ state: 'Stopped', autoRemove: true }), hash({}));
  t.not(hash({ image: 'busybox:2' }), hash({}));
  t.not(hash({ env: [{ name: 'A', value: 'b' }] }), hash({}));
});
