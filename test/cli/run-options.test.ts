import t from 'tap';
import { UsageError } from '#cli/arguments.ts';
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
    },
  );
});

const ports = [
  ['80', { containerPort: 80 }],
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

const wrong = [
  { publish: ['x'] },
  { volume: ['a:b'] },
  { memory: 'lots' },
  { cpus: '0' },
  { env: ['=x'] },
];
for (const flags of wrong) {
  t.test(`${JSON.stringify(flags)} is a usage error`, async (t) =>
    t.throws(() => spec(flags), UsageError),
  );
}
