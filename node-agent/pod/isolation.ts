/** What a pod's document says of its surroundings beyond what every pod has. Pure but for `readKernel`. */
import { existsSync, readFileSync } from 'node:fs';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import type { ContainerSettings, SandboxSettings } from '#node-agent/container/settings.ts';
import { isSafeSysctl } from '#node-agent/container/sysctls.ts';
import { ConfigError } from './env.ts';

/** Which security modules the kernel has. */
export interface SecurityModules {
  readonly apparmor: boolean;
  readonly selinux: boolean;
}

/** Looks at this machine. */
export function readSecurityModules(): SecurityModules {
  const switchFile = '/sys/module/apparmor/parameters/enabled';
  return {
    apparmor: existsSync(switchFile) && readFileSync(switchFile, 'utf8').startsWith('Y'),
    selinux: existsSync('/sys/fs/selinux/enforce'),
  };
}

/**
 * Of the pod's sandbox.
 * @throws Error for a kernel parameter that could harm the node or other pods
 */
export function sandboxSettings({ spec = { containers: [] } }: Pod): SandboxSettings {
  const sysctls = (spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value]);
  const unsafe = sysctls.find(([name = '']) => !isSafeSysctl(name));
  if (unsafe !== undefined) {
    throw new Error(`forbidden sysctl: ${JSON.stringify(unsafe[0])} is not one that pods may set`);
  }
  return {
    ...(sysctls.length === 0 ? {} : { sysctls: Object.fromEntries(sysctls) }),
    ...(spec.hostUsers === false ? { userNamespace: 'auto' as const } : {}),
    ...(spec.shareProcessNamespace === true ? { sharePid: true } : {}),
  };
}

/**
 * Of one container.
 * @throws ConfigError for a profile that this kernel could not enforce: nothing runs unconfined by mistake
 */
export function containerSettings(
  pod: Pod,
  container: PodContainer,
  modules: SecurityModules,
): ContainerSettings {
  const own = container.securityContext;
  const apparmor = own?.privileged === true ? undefined : apparmorProfile(pod, container, modules);
  const selinux = selinuxLabel(pod, container, modules);
  return {
    ...(own?.procMount === 'Unmasked' ? { unmasked: true } : {}),
    ...(apparmor === undefined ? {} : { apparmor }),
    ...(selinux === undefined ? {} : { selinux }),
  };
}

function apparmorProfile(
  pod: Pod,
  container: PodContainer,
  modules: SecurityModules,
): string | undefined {
  const wanted =
    container.securityContext?.appArmorProfile ?? pod.spec?.securityContext?.appArmorProfile;
  if (wanted?.type !== 'Localhost') return;
  const { localhostProfile: name = '' } = wanted;
  if (name === '') throw new ConfigError('appArmorProfile of type Localhost names no profile');
  if (!modules.apparmor) {
    throw new ConfigError(
      `appArmorProfile ${JSON.stringify(name)} cannot be enforced: AppArmor is not enabled on this node`,
    );
  }
  return name;
}

/** Labels mean nothing to a kernel without SELinux, as with every other node. */
function selinuxLabel(
  pod: Pod,
  container: PodContainer,
  modules: SecurityModules,
): string | undefined {
  const wanted =
    container.securityContext?.seLinuxOptions ?? pod.spec?.securityContext?.seLinuxOptions;
  if (wanted === undefined || !modules.selinux) return;
  const { user, role, type, level } = wanted;
  return [user || 'system_u', role || 'system_r', type || 'container_t', level || 's0'].join(':');
}
