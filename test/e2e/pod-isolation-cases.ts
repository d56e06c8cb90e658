/** Security contexts of pods with what is seen of them inside, and those that are refused. */
import { existsSync } from 'node:fs';
import type { PodSpec } from '#api/resources/types.ts';

/** A pod of one container that looks around and ends. */
export interface Case {
  readonly what: string;
  readonly look: string;
  readonly pod?: Partial<PodSpec>;
  readonly container?: object;
  readonly seen: string | RegExp;
}

const status = (field: string) => `sed -n 's/^${field}:\\t//p' /proc/self/status`;
const security = (securityContext: object) => ({ securityContext });

export const seenInPods: readonly Case[] = [
  {
    what: 'hostUsers: false',
    pod: { hostUsers: false },
    look: "awk '{print $1, ($2 > 65535), $3}' /proc/self/uid_map; id -u; touch /x; stat -c %u:%g /x /etc/hosts",
    seen: '0 1 65536\n0\n0:0\n0:0\n',
  },
  {
    what: 'safe sysctls',
    pod: security({ sysctls: [{ name: 'net.ipv4.ip_local_port_range', value: '4000 4100' }] }),
    look: 'cat /proc/sys/net/ipv4/ip_local_port_range',
    seen: '4000\t4100\n',
  },
  {
    what: 'runAsUser, runAsGroup, supplementalGroups, fsGroup',
    pod: {
      ...security({ runAsUser: 1234, runAsGroup: 99, supplementalGroups: [7, 8], fsGroup: 4321 }),
      volumes: [{ name: 'v', emptyDir: {} }],
    },
    container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
    look: 'id -u; id -g; id -G; stat -c "%g %A" /v; touch /v/x && stat -c %u:%g /v/x',
    seen: '1234\n99\n99 7 8 4321\n4321 drwxrwsrwx\n1234:4321\n',
  },
  {
    what: 'runAsNonRoot with a user',
    pod: security({ runAsNonRoot: true, runAsUser: 5 }),
    look: `id -u; ${status('CapEff')}`,
    seen: '5\n0000000000000000\n',
  },
  {
    what: 'readOnlyRootFilesystem',
    container: security({ readOnlyRootFilesystem: true }),
    look: 'touch /x 2>&1; touch /dev/shm/x && echo shm',
    seen: /Read-only file system\nshm\n/,
  },
  {
    what: 'allowPrivilegeEscalation: false and capabilities',
    container: security({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'], add: ['CHOWN'] },
    }),
    look: `${status('NoNewPrivs')}; ${status('CapBnd')}; ${status('CapInh')}`,
    seen: '1\n0000000000000001\n0000000000000000\n',
  },
  {
    what: 'procMount: Unmasked',
    pod: { hostUsers: false },
    container: security({ procMount: 'Unmasked' }),
    look: 'grep -c " /proc/" /proc/self/mountinfo',
    seen: '0\n',
  },
  {
    what: 'procMount: Default',
    look: 'grep -c " /proc/sys " /proc/self/mountinfo; (: >/proc/sys/kernel/hostname) 2>&1 | grep -o Read-only',
    seen: '1\nRead-only\n',
  },
  {
    what: 'seccompProfile: Localhost',
    container: security({
      seccompProfile: { type: 'Localhost', localhostProfile: 'no-mkdir.json' },
    }),
    look: `${status('Seccomp')}; mkdir /d 2>&1; touch /f && echo made`,
    seen: /^2\n.*[Oo]peration not permitted\nmade\n$/,
  },
  {
    what: 'a layer that ends with its pod',
    look: 'grep " / / " /proc/self/mountinfo | grep -c volatile',
    seen: '1\n',
  },
];

export interface Refused {
  readonly what: string;
  readonly pod?: object;
  readonly container?: object;
  /** Of the pod, or why its container waits. */
  readonly reason: string;
  readonly message: RegExp;
}

export const refusedPods: readonly Refused[] = [
  ...['kernel.core_pattern', 'net.core.somaxconn', 'vm.swappiness'].map((name) => ({
    what: `sysctl ${name}`,
    pod: security({ sysctls: [{ name, value: '1' }] }),
    reason: 'SysctlForbidden',
    message: new RegExp(`forbidden sysctl: "${name}" not allowlisted`),
  })),
  {
    what: 'a safe sysctl of the node’s network',
    pod: {
      hostNetwork: true,
      ...security({ sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }] }),
    },
    reason: 'SysctlForbidden',
    message: /not allowed with host net enabled|may not be set when hostNetwork/,
  },
  {
    what: 'runAsNonRoot and an image that is root',
    pod: security({ runAsNonRoot: true }),
    reason: 'CreateContainerConfigError',
    message: /container has runAsNonRoot and image will run as root/,
  },
  {
    what: 'a seccomp profile that is not there (CVE-2023-2431)',
    container: security({ seccompProfile: { type: 'Localhost', localhostProfile: 'none.json' } }),
    reason: 'StartError',
    message: /none\.json/,
  },
  ...(existsSync('/sys/module/apparmor/parameters/enabled')
    ? []
    : [
        {
          what: 'an AppArmor profile on a kernel without',
          container: security({ appArmorProfile: { type: 'Localhost', localhostProfile: 'mine' } }),
          reason: 'CreateContainerConfigError',
          message: /"mine" cannot be enforced: AppArmor is not enabled/,
        },
      ]),
];
