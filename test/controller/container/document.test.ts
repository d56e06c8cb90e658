/** What crds/container.yaml takes, and what it refuses with the field's path. */
import { resolve } from 'node:path';
import t from 'tap';
import type { CustomResourceDefinition } from '#api/resources/types.ts';
import { checkTypes } from '#api/schema/check-types.ts';
import { customKinds } from '#api/schema/custom.ts';
import { readDefinitions } from '#controller/crds/install.ts';

const crds = resolve(import.meta.dirname, '../../../crds');
const all = await readDefinitions(crds);
const definition = all.find(({ spec }) => spec.names.kind === 'Container');
const [kind] = customKinds(definition as CustomResourceDefinition);

/** `field: message` of everything that is wrong. */
const wrong = (spec: object): string[] =>
  checkTypes(kind?.schema as never, {
    apiVersion: 'bayplan.dev/v1alpha1',
    kind: 'Container',
    metadata: { name: 'c' },
    spec: { image: 'busybox', ...spec },
  }).map(({ field, message }) => `${field}: ${message}`);

t.test('namespaces may be those of another container', async (t) => {
  t.strictSame(wrong({ network: 'container:a.b', pid: 'container:a', ipc: 'container:b-2' }), []);
});

t.test('a document with every field is right', async (t) => {
  t.strictSame(
    wrong({
      state: 'Created',
      hostname: 'h',
      domainname: 'd.example',
      extraHosts: [{ ip: '::1', hostnames: ['a_b.example'] }],
      dns: { servers: ['1.1.1.1'], searches: ['a'], options: ['ndots:1'] },
      network: 'none',
      pid: 'host',
      ipc: 'host',
      uts: 'host',
      userns: 'private',
      init: true,
      groups: ['7', 'audio'],
      ulimits: [{ name: 'nofile', soft: 1, hard: -1 }],
      shmSize: '1Gi',
      sysctls: { 'net.ipv4.tcp_rmem': '1 2\t3' },
      devices: [{ source: '/dev/fuse', path: '/dev/f', permissions: 'rm' }],
      oomScoreAdj: -1000,
      mounts: [
        { type: 'tmpfs', target: '/t', size: '1Mi', options: ['mode=1770', 'exec'] },
        { type: 'bind', source: '/a', target: '/b', propagation: 'rslave' },
      ],
      resources: { memorySwap: '-1', cpuset: '0-1,3', pids: 5 },
      security: {
        seccomp: 'x',
        apparmor: 'y',
        selinux: { level: 's0:c1,c2' },
        unmasked: true,
        landlock: { readOnly: ['/bin'] },
      },
    }),
    [],
  );
});

const cases: [string, object][] = [
  ['spec.domainname', { domainname: 'd'.repeat(65) }],
  ['spec.extraHosts[0].ip', { extraHosts: [{ ip: '1.2.3.4\n5.6.7.8 x', hostnames: ['a'] }] }],
  ['spec.extraHosts[0].hostnames[0]', { extraHosts: [{ ip: '1.2.3.4', hostnames: ['a\nb'] }] }],
  ['spec.network', { network: 'mine' }],
  ['spec.network', { network: 'container:' }],
  ['spec.pid', { pid: 'container:../x' }],
  ['spec.ipc', { ipc: 'container:X' }],
  ['spec.init', { init: 'yes' }],
  ['spec.groups[0]', { groups: ['-1'] }],
  ['spec.groups[0]', { groups: [''] }],
  ['spec.ulimits[0].name', { ulimits: [{ name: 'files', soft: 1, hard: 1 }] }],
  ['spec.ulimits[0].soft', { ulimits: [{ name: 'nofile', soft: -2, hard: 1 }] }],
  ['spec.ulimits[0].hard', { ulimits: [{ name: 'nofile', soft: 1 }] }],
  ['spec.shmSize', { shmSize: '0' }],
  ['spec.shmSize', { shmSize: '1e9' }],
  ['spec.sysctls.net.core.somaxconn', { sysctls: { 'net.core.somaxconn': '1\nkernel.x=1' } }],
  ['spec.devices[0].source', { devices: [{ source: 'fuse', path: '/dev/f' }] }],
  ['spec.devices[0].permissions', { devices: [{ source: '/a', path: '/b', permissions: 'x' }] }],
  ['spec.oomScoreAdj', { oomScoreAdj: 1001 }],
  ['spec.mounts[0].options[0]', { mounts: [{ type: 'tmpfs', target: '/t', options: ['suid'] }] }],
  ['spec.mounts[0].propagation', { mounts: [{ type: 'bind', target: '/t', propagation: 'x' }] }],
  ['spec.resources.cpuset', { resources: { cpuset: '0;1' } }],
  ['spec.resources.pids', { resources: { pids: 1.5 } }],
  ['spec.resources.memorySwap', { resources: { memorySwap: 'all' } }],
  ['spec.security.seccomp', { security: { seccomp: '' } }],
  ['spec.security.selinux.type', { security: { selinux: { type: 'a b' } } }],
  ['spec.security.landlock.readOnly[0]', { security: { landlock: { readOnly: ['bin'] } } }],
];
for (const [field, spec] of cases) {
  t.test(`refused: ${JSON.stringify(spec).slice(0, 60)}`, async (t) => {
    const found = wrong(spec);
    const names = found.map((one) => one.slice(0, one.indexOf(': ')).replace(/[[\]"']/g, '.'));
    const plain = (name: string) =>
      name.replace(/[[\]]/g, '.').replace(/\.+/g, '.').replace(/\.$/, '');
    t.ok(names.map(plain).includes(plain(field)), found.join('; ') || 'nothing was said');
  });
}
