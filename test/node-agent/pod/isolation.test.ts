/** What a pod's document says of its surroundings, as the container side is told. */
import t from 'tap';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { containerSettings, refusalOf, sandboxSettings } from '#node-agent/pod/isolation.ts';

const none = { apparmor: false, selinux: false };
const all = { apparmor: true, selinux: true };
const container: PodContainer = { name: 'a' };
const podOf = (spec: Partial<NonNullable<Pod['spec']>>): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default', uid: 'u' },
  spec: { containers: [container], ...spec },
});

t.test('a pod that asks for nothing has nothing more', async (t) => {
  t.strictSame(sandboxSettings(podOf({})), {});
  t.strictSame(sandboxSettings(podOf({ hostUsers: true, shareProcessNamespace: false })), {});
  t.strictSame(containerSettings(podOf({}), container, all), {});
});

t.test('user and process namespaces, sysctls', async (t) => {
  const sysctls = [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '80' }];
  const pod = podOf({
    hostUsers: false,
    shareProcessNamespace: true,
    securityContext: { sysctls },
  });
  t.strictSame(sandboxSettings(pod), {
    sysctls: { 'net.ipv4.ip_unprivileged_port_start': '80' },
    userNamespace: 'auto',
    sharePid: true,
  });
  for (const name of [
    'kernel.shmmax',
    'kernel.core_pattern',
    'net.ipv4.ip_forward',
    'vm.swappiness',
  ]) {
    const forbidden = podOf({ securityContext: { sysctls: [{ name, value: '1' }] } });
    t.strictSame(refusalOf(forbidden), {
      reason: 'SysctlForbidden',
      message: `forbidden sysctl: "${name}" not allowlisted`,
    });
  }
});

t.test(
  'AppArmor: the container’s profile before its pod’s, and none that cannot be enforced',
  async (t) => {
    const pod = podOf({
      securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: 'of-pod' } },
    });
    const own: PodContainer = {
      name: 'a',
      securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: 'own' } },
    };
    t.strictSame(containerSettings(pod, container, all), { apparmor: 'of-pod' });
    t.strictSame(containerSettings(pod, own, all), { apparmor: 'own' });
    t.throws(() => containerSettings(pod, own, none), /"own" cannot be enforced: AppArmor is not/);
    const unconfined: PodContainer = {
      name: 'a',
      securityContext: { appArmorProfile: { type: 'Unconfined' } },
    };
    t.strictSame(containerSettings(pod, unconfined, none), {});
    const nameless: PodContainer = {
      name: 'a',
      securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: '' } },
    };
    t.throws(() => containerSettings(pod, nameless, all), /names no profile/);
  },
);

t.test('SELinux labels where the kernel has them; the kernel’s files unmasked', async (t) => {
  const labelled: PodContainer = {
    name: 'a',
    securityContext: { seLinuxOptions: { level: 's0:c1,c2' }, procMount: 'Unmasked' },
  };
  t.strictSame(containerSettings(podOf({}), labelled, all), {
    unmasked: true,
    selinux: 'system_u:system_r:container_t:s0:c1,c2',
  });
  t.strictSame(containerSettings(podOf({}), labelled, none), { unmasked: true });
});
