/** Flags of `bay run` that cannot be meant. */
import t from 'tap';
import { UsageError } from '#cli/arguments.ts';
import { containerDocument } from '#cli/run-options.ts';

const wrong = [
  { publish: ['x'] },
  { volume: ['a:b'] },
  { memory: 'lots' },
  { cpus: '0' },
  { env: ['=x'] },
  { env: ['a b=x'] },
  { 'env-file': ['/no/such/file'] },
  { ulimit: ['files=3'] },
  { ulimit: ['nofile=3:2'] },
  { ulimit: ['nofile=x'] },
  { publish: ['70000:80'] },
  { publish: ['1-2:80'] },
  { publish: ['999.1.1.1:80:80'] },
  { volume: ['/a:/b:odd'] },
  { volume: ['/a:/b', '/c:/b'] },
  { mount: ['type=bind,target=/b'] },
  { mount: ['type=npipe,target=/b'] },
  { mount: ['size=1'] },
  { tmpfs: ['relative'] },
  { 'shm-size': '0' },
  { sysctl: ['a.b'] },
  { device: ['fuse'] },
  { device: ['/dev/a:/dev/b:q'] },
  { 'security-opt': ['label=x'] },
  { 'security-opt': ['label=kind:x'] },
  { 'security-opt': ['label'] },
  { workdir: 'relative' },
  { 'security-opt': ['seccomp'] },
  { 'add-host': ['a:b'] },
  { dns: ['name'] },
  { network: 'mine' },
  { network: 'container:' },
  { network: 'container:x', hostname: 'h' },
  { network: 'container:x', publish: ['80'] },
  { network: 'container:x', expose: ['80'] },
  { network: 'container:x', dns: ['1.1.1.1'] },
  { network: 'container:x', 'add-host': ['a:1.1.1.1'] },
  { pid: 'containers:x' },
  { uts: 'host', hostname: 'x' },
  { restart: 'sometimes' },
  { restart: 'always:3' },
  { 'memory-swap': '1g' },
  { 'cpu-shares': '1' },
  { 'pids-limit': '1.5' },
  { 'oom-score-adj': '1001' },
  { 'health-interval': '30' },
  { 'no-healthcheck': true, 'health-cmd': 'true' },
  { entrypoint: '' },
  { pull: 'often' },
];
for (const flags of wrong) {
  t.test(`${JSON.stringify(flags)} is a usage error`, async (t) =>
    t.throws(
      () => containerDocument({ name: 'x', ...flags }, 'busybox', [], 'default'),
      UsageError,
    ),
  );
}
