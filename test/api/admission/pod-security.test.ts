/** The Pod Security Standards as a table: what each level refuses, in Kubernetes' words. */
import t from 'tap';
import { violations } from '#api/admission/pod-security/pod-security.ts';

const safe = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};
/** A pod that every level lets through, but for what is changed. */
const pod = (spec: object = {}, container: object = {}, security: object = {}) => ({
  metadata: {},
  spec: {
    containers: [{ name: 'main', securityContext: { ...safe, ...security }, ...container }],
    ...spec,
  },
});

/** With what its Container says beyond it. */
const ofContainer = (settings: object) => ({
  ...pod(),
  metadata: { annotations: { 'bayplan.dev/settings': JSON.stringify(settings) } },
});

const baselineCases: [string, ReturnType<typeof pod>, string][] = [
  ['safe', pod(), ''],
  ['a harmless Container', ofContainer({ init: true, shmSize: '1Gi', groups: ['1'] }), ''],
  [
    'devices of a Container',
    ofContainer({ devices: [{ source: '/dev/sda', path: '/dev/x' }] }),
    'host devices (device "/dev/sda")',
  ],
  ['the node’s uts', ofContainer({ uts: 'host' }), 'host namespaces (hostUTS=true)'],
  ['an unmasked Container', ofContainer({ unmasked: true }), 'procMount (unmasked=true)'],
  [
    'sysctls of a Container',
    ofContainer({ sysctls: { 'kernel.shmmax': '1', 'net.ipv4.tcp_rmem': '1' } }),
    'forbidden sysctls (kernel.shmmax)',
  ],
  ['host network', pod({ hostNetwork: true }), 'host namespaces (hostNetwork=true)'],
  [
    'all host namespaces',
    pod({ hostIPC: true, hostPID: true, hostNetwork: true }),
    'host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)',
  ],
  [
    'privileged',
    pod({}, {}, { privileged: true }),
    'privileged (container "main" must not set securityContext.privileged=true)',
  ],
  [
    'privileged init and ephemeral containers',
    pod({
      initContainers: [{ name: 'init', securityContext: { privileged: true } }],
      ephemeralContainers: [{ name: 'debug', securityContext: { privileged: true } }],
    }),
    'privileged (containers "init", "debug" must not set securityContext.privileged=true)',
  ],
  [
    'capability',
    pod({}, {}, { capabilities: { add: ['NET_ADMIN', 'CHOWN'] } }),
    'non-default capabilities (container "main" must not include "NET_ADMIN" in securityContext.capabilities.add)',
  ],
  ['default capability', pod({}, {}, { capabilities: { add: ['CHOWN'] } }), ''],
  [
    'host path',
    pod({ volumes: [{ name: 'a', hostPath: { path: '/' } }] }),
    'hostPath volumes (volume "a")',
  ],
  [
    'host ports',
    pod({}, { ports: [{ containerPort: 1, hostPort: 80 }, { hostPort: 81 }] }),
    'hostPort (container "main" uses hostPorts 80, 81)',
  ],
  ['host port zero', pod({}, { ports: [{ containerPort: 1, hostPort: 0 }] }), ''],
  [
    'procMount',
    pod({}, {}, { procMount: 'Unmasked' }),
    'procMount (container "main" must not set securityContext.procMount to "Unmasked")',
  ],
  [
    'SELinux',
    pod({ securityContext: { seLinuxOptions: { type: 'spc_t', user: 'root' } } }),
    'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
  ],
  ['SELinux container_t', pod({}, {}, { seLinuxOptions: { type: 'container_t' } }), ''],
  [
    'seccomp',
    pod({ securityContext: { seccompProfile: { type: 'Unconfined' } } }),
    'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
  [
    'sysctl',
    pod({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }),
    'forbidden sysctls (kernel.msgmax)',
  ],
  [
    'prototype of the sysctls',
    pod({ securityContext: { sysctls: [{ name: 'constructor', value: '1' }] } }),
    'forbidden sysctls (constructor)',
  ],
  [
    'safe sysctl',
    pod({ securityContext: { sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }] } }),
    '',
  ],
  [
    'host process',
    pod({ securityContext: { windowsOptions: { hostProcess: true } } }),
    'hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)',
  ],
  [
    'AppArmor',
    pod({}, {}, { appArmorProfile: { type: 'Unconfined' } }),
    'forbidden AppArmor profile (container "main" must not set AppArmor profile type to "Unconfined")',
  ],
  [
    'AppArmor annotation',
    {
      ...pod(),
      metadata: {
        annotations: { 'container.apparmor.security.beta.kubernetes.io/main': 'unconfined' },
      },
    },
    'forbidden AppArmor profile (container.apparmor.security.beta.kubernetes.io/main="unconfined")',
  ],
  [
    'probe of another host',
    pod({}, { livenessProbe: { httpGet: { host: '10.0.0.1', port: 80 } } }),
    'probe or lifecycle host (container "main" must not set a host in probes or lifecycle hooks)',
  ],
];

t.test('baseline', async (t) => {
  for (const [name, parts, wanted] of baselineCases) {
    t.equal(violations({ level: 'baseline', version: 'latest' }, parts), wanted, name);
    t.equal(violations({ level: 'privileged', version: 'latest' }, parts), '', name);
    if (wanted === '') continue;
    t.not(violations({ level: 'restricted', version: 'latest' }, parts), '', `${name}, restricted`);
  }
});

const restrictedCases: [string, ReturnType<typeof pod>, string][] = [
  ['safe', pod(), ''],
  [
    'escalation',
    pod({}, {}, { allowPrivilegeEscalation: undefined }),
    'allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false)',
  ],
  [
    'capabilities kept and added',
    pod({}, {}, { capabilities: { add: ['CHOWN'] } }),
    'unrestricted capabilities (container "main" must set securityContext.capabilities.drop=["ALL"]; container "main" must not include "CHOWN" in securityContext.capabilities.add)',
  ],
  ['bind service', pod({}, {}, { capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }), ''],
  [
    'volume',
    pod({ volumes: [{ name: 'a', nfs: { server: 'x', path: '/' } }] }),
    'restricted volume types (volume "a" uses restricted volume type "nfs")',
  ],
  [
    'root',
    pod({}, {}, { runAsNonRoot: undefined }),
    'runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true)',
  ],
  [
    'root by the pod',
    pod({ securityContext: { runAsNonRoot: true } }, {}, { runAsNonRoot: undefined }),
    '',
  ],
  [
    'root by the container',
    pod({ securityContext: { runAsNonRoot: true } }, {}, { runAsNonRoot: false }),
    'runAsNonRoot != true (container "main" must not set securityContext.runAsNonRoot=false)',
  ],
  [
    'user 0',
    pod({ securityContext: { runAsUser: 0 } }),
    'runAsUser=0 (pod must not set runAsUser=0)',
  ],
  [
    'seccomp missing',
    pod({}, {}, { seccompProfile: undefined }),
    'seccompProfile (pod or container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  ],
  ['windows', pod({ os: { name: 'windows' } }, {}, { seccompProfile: undefined }), ''],
];

t.test('restricted', async (t) => {
  for (const [name, parts, wanted] of restrictedCases) {
    t.equal(violations({ level: 'restricted', version: 'latest' }, parts), wanted, name);
  }
});

t.test('an older version knows less', async (t) => {
  const name = 'net.ipv4.tcp_rmem';
  const parts = pod({ securityContext: { sysctls: [{ name, value: '1' }] } });
  t.equal(violations({ level: 'baseline', version: 'v1.32' }, parts), '');
  t.equal(
    violations({ level: 'baseline', version: 'v1.31' }, parts),
    `forbidden sysctls (${name})`,
  );
});
