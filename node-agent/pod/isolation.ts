/** What a pod's document says of its surroundings beyond what every pod has. Pure but for `readKernel`. */
import { existsSync, readFileSync } from 'node:fs';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import type { ContainerSettings, SandboxSettings } from '#node-agent/container/settings.ts';
import { isSafeSysctl, sysctlPaths } from '#node-agent/container/sysctls.ts';
import { ConfigError } from './env.ts';
import { ownContainerSettings, ownSandboxSettings, ownSettings } from './own-settings.ts';

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

/** Why a pod is not run at all: it will not be another time either. */
export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/**
 * A kernel parameter that could harm the node or other pods, as the kubelet says it (pkg/kubelet/sysctl, allowlist.go).
 * A Container may set all that are of its own namespaces, a Pod those that Kubernetes calls safe.
 */
export function refusalOf(pod: Pod): Refusal | undefined {
  const { spec = { containers: [] } } = pod;
  const forbidden = (why: string): Refusal => ({
    reason: 'SysctlForbidden',
    message: `forbidden sysctl: ${why}`,
  });
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    if (!isSafeSysctl(name)) return forbidden(`${JSON.stringify(name)} not allowlisted`);
    const host = name.startsWith('net.') ? spec.hostNetwork : spec.hostIPC;
    const kind = name.startsWith('net.') ? 'host net' : 'host ipc';
    if (host === true) return forbidden(`${JSON.stringify(name)} not allowed with ${kind} enabled`);
  }
  const own = { ipc: spec.hostIPC !== true, network: spec.hostNetwork !== true };
  try {
    sysctlPaths(ownSettings(pod).sysctls ?? {}, own);
  } catch (error) {
    return error instanceof ConfigError
      ? { reason: 'InvalidSettings', message: error.message }
      : forbidden((error as Error).message);
  }
  return undefined;
}

/** Of the pod's sandbox. */
export function sandboxSettings(pod: Pod): SandboxSettings {
  const { spec = { containers: [] } } = pod;
  const sysctls = (spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value]);
  const own = ownSandboxSettings(ownSettings(pod));
  return {
    ...own,
    ...(sysctls.length === 0
      ? {}
      : { sysctls: { ...own.sysctls, ...Object.fromEntries(sysctls) } }),
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
    ...ownContainerSettings(ownSettings(pod)),
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
