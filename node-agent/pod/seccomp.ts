/** Which system calls a pod's container may make, from its security contexts. Pure. */
import { join } from 'node:path';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import type { SeccompProfile } from '#node-agent/container/runtime.ts';
import { ConfigError } from './env.ts';

/** Descends from the directory only (Kubernetes: pod validation, validateLocalDescendingPath). */
function localhost(directory: string, name: string): SeccompProfile {
  if (name === '') {
    throw new ConfigError('seccompProfile of type Localhost needs a localhostProfile');
  }
  if (name.startsWith('/') || name.split('/').includes('..')) {
    throw new ConfigError(
      `localhostProfile "${name}" must be a relative path without "..": it is looked up in ${directory}`,
    );
  }
  return { type: 'Localhost', path: join(directory, name) };
}

/**
 * The container's own profile before its pod's; undefined: the runtime's default. A privileged
 * container has none whatever they say (as with containerd). `directory`: where the node keeps its
 * profiles.
 * @throws ConfigError for a profile that cannot be meant: nothing runs unconfined by mistake
 */
export function seccompProfile(
  pod: Pod,
  container: PodContainer,
  directory: string,
): SeccompProfile | undefined {
  const own = container.securityContext;
  if (own?.privileged === true) return;
  const wanted = own?.seccompProfile ?? pod.spec?.securityContext?.seccompProfile;
  if (wanted === undefined) return;
  const { type, localhostProfile = '' } = wanted;
  if (type === 'Localhost') return localhost(directory, localhostProfile);
  if (type === 'RuntimeDefault' || type === 'Unconfined') return { type };
  throw new ConfigError(
    `seccompProfile type "${type}" is none of RuntimeDefault, Localhost, Unconfined`,
  );
}
