import t from 'tap';
import { containerDocument } from '#cli/run-options.ts';

const spec = (flags: Parameters<typeof containerDocument>[0], command: string[] = []) =>
  containerDocument({ name: 'x', ...flags }, 'busybox', command, 'default').spec;

t.test('flags become the fields of the document', async (t) => {
  t.strictSame(
    spec({ env: ['A=b=c'], memory: '512m', cpus: '1.5', rm: true, restart: 'on-failure:3' }, [
      'ls',
    ]),
    {
      image: 'busybox',
      args: ['ls'],
      env: [{ name: 'A', value: 'b=c' }],
      resources: { memory: '512Mi', cpu: '1.5' },
      autoRemove: true,
      restartPolicy: 'on-failure',
      maximumRetryCount: 3,
    },
  );
});

const one = (flags: Parameters<typeof spec>[0]) => {
  const { image: _, restartPolicy: __, ...rest } = spec(flags);
  return rest;
};

const fields: [Parameters<typeof spec>[0], object][] = [
  [{ entrypoint: 'sh' }, { command: ['sh'] }],
  [
    { init: true, privileged: true },
    { init: true, security: { privileged: true } },
  ],
  [
    { ulimit: ['nofile=1:2', 'core=unlimited', 'nofile=3'] },
    {
      ulimits: [
        { name: 'nofile', soft: 3, hard: 3 },
        { name: 'core', soft: -1, hard: -1 },
      ],
    },
  ],
  [{ 'shm-size': '1g' }, { shmSize: '1Gi' }],
  [
    { sysctl: ['net.core.somaxconn=9', 'kernel.sem=1 2 3 4'] },
    { sysctls: { 'net.core.somaxconn': '9', 'kernel.sem': '1 2 3 4' } },
  ],
  [{ device: ['/dev/fuse'] }, { devices: [{ source: '/dev/fuse', path: '/dev/fuse' }] }],
  [
    { device: ['/dev/a:/dev/b:mr'] },
    { devices: [{ source: '/dev/a', path: '/dev/b', permissions: 'rm' }] },
  ],
  [{ device: ['/dev/a:r'] }, { devices: [{ source: '/dev/a', path: '/dev/a', permissions: 'r' }] }],
  [
    { 'cap-add': ['cap_net_admin', 'NET_ADMIN'], 'cap-drop': ['all'] },
    { security: { capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] } } },
  ],
  [
    {
      'security-opt': [
        'no-new-privileges',
        'seccomp=p.json',
        'apparmor=docker-default',
        'systempaths=unconfined',
      ],
      'read-only': true,
    },
    {
      security: {
        readOnlyRootFilesystem: true,
        noNewPrivileges: true,
        seccomp: 'p.json',
        apparmor: 'default',
        unmasked: true,
      },
    },
  ],
  [
    { tmpfs: ['/a', '/b:ro,size=1m,mode=700'] },
    {
      mounts: [
        { type: 'tmpfs', target: '/a' },
        { type: 'tmpfs', target: '/b', readOnly: true, size: '1Mi', options: ['mode=700'] },
      ],
    },
  ],
  [
    { mount: ['type=bind,src=/a,dst=/b,ro,bind-propagation=rslave', 'source=v,target=/c'] },
    {
      mounts: [
        { type: 'bind', source: '/a', target: '/b', readOnly: true, propagation: 'rslave' },
        { type: 'volume', source: 'v', target: '/c' },
      ],
    },
  ],
  [
    { 'add-host': ['a:10.0.0.1', 'b=10.0.0.1', 'c:[::1]'] },
    {
      extraHosts: [
        { ip: '10.0.0.1', hostnames: ['a', 'b'] },
        { ip: '::1', hostnames: ['c'] },
      ],
    },
  ],
  [{ dns: ['1.2.3.4'], 'dns-search': ['x'] }, { dns: { servers: ['1.2.3.4'], searches: ['x'] } }],
  [
    { 'security-opt': ['label=type:t', 'label:level:s0:c1,c2', 'no-new-privileges'] },
    { security: { noNewPrivileges: true, selinux: { type: 't', level: 's0:c1,c2' } } },
  ],
  [{ 'security-opt': ['label=disable'] }, {}],
  [
    { network: 'container:x', ipc: 'container:y', pid: 'container:z' },
    { network: 'container:x', ipc: 'container:y', pid: 'container:z' },
  ],
  [{ network: 'default', ipc: 'shareable', userns: 'auto' }, { userns: 'private' }],
  [
    { net: 'none', pid: 'host', uts: 'host', ipc: 'host' },
    { network: 'none', pid: 'host', ipc: 'host', uts: 'host' },
  ],
  [
    { publish: ['8000-8001:80-81/udp'], expose: ['81/udp', '90'] },
    {
      ports: [
        { containerPort: 80, hostPort: 8000, protocol: 'UDP' },
        { containerPort: 81, hostPort: 8001, protocol: 'UDP' },
        { containerPort: 90 },
      ],
    },
  ],
  [
    {
      memory: '1g',
      'memory-swap': '-1',
      'memory-reservation': '1m',
      'cpu-shares': '512',
      'cpuset-cpus': '0-1',
      'pids-limit': '-1',
    },
    {
      resources: {
        memory: '1Gi',
        memoryReservation: '1Mi',
        memorySwap: '-1',
        cpuShares: 512,
        cpuset: '0-1',
      },
    },
  ],
  [
    {
      'health-cmd': 'true',
      'health-interval': '1m30s',
      'health-retries': '2',
      'stop-signal': 'sigusr1',
      'stop-timeout': '3',
      pull: 'always',
      'oom-score-adj': '-5',
      'group-add': ['9', '9'],
    },
    {
      groups: ['9'],
      oomScoreAdj: -5,
      imagePullPolicy: 'Always',
      stopSignal: 'SIGUSR1',
      stopTimeout: 3,
      healthcheck: { test: ['CMD-SHELL', 'true'], intervalSeconds: 90, retries: 2 },
    },
  ],
];
for (const [flags, expected] of fields) {
  t.test(JSON.stringify(flags), async (t) => t.strictSame(one(flags), expected));
}

const ports = [
  ['80', { containerPort: 80, hostPort: 0 }],
  ['0:80', { containerPort: 80, hostPort: 0 }],
  [':80/udp', { containerPort: 80, hostPort: 0, protocol: 'UDP' }],
  ['127.0.0.1::80', { containerPort: 80, hostPort: 0, hostIP: '127.0.0.1' }],
  ['8080:80', { containerPort: 80, hostPort: 8080 }],
  [
    '127.0.0.1:53:5353/udp',
    { containerPort: 5353, hostPort: 53, hostIP: '127.0.0.1', protocol: 'UDP' },
  ],
] as const;
for (const [text, port] of ports) {
  t.test(`-p ${text}`, async (t) => t.strictSame(spec({ publish: [text] }).ports, [port]));
}

const mounts = [
  ['/a:/b', { type: 'bind', source: '/a', target: '/b' }],
  ['/a:/b:ro', { type: 'bind', source: '/a', target: '/b', readOnly: true }],
  ['data:/b', { type: 'volume', source: 'data', target: '/b' }],
  ['/b', { type: 'volume', target: '/b' }],
] as const;
for (const [text, mount] of mounts) {
  t.test(`-v ${text}`, async (t) => t.strictSame(spec({ volume: [text] }).mounts, [mount]));
}
