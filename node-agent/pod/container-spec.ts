/** From a pod's container and its image to what the runtime starts: a pure function. */
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { mergeResources } from '#node-agent/container/cgroup-resources.ts';
import type { ContainerSpec, JoinedContainers, Mount } from '#node-agent/container/runtime.ts';
import type { ImageConfig } from '#node-agent/image/images.ts';
import { containerCapabilities } from './capabilities.ts';
import { expand } from './expansion.ts';
import { containerSettings, readSecurityModules } from './isolation.ts';
import { ownResources, ownSettings } from './own-settings.ts';
import { containerResources, oomScoreAdj } from './resources.ts';
import { seccompProfile } from './seccomp.ts';

export interface ContainerParts {
  readonly id: string;
  readonly sandboxId: string;
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly image: ImageConfig;
  readonly layers: readonly string[];
  readonly layerDir: string;
  readonly keepsLayer?: true;
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly groups: readonly number[];
    readonly home: string;
  };
  /** What the pod's document asks for (`podEnv`). */
  readonly env: ReadonlyMap<string, string>;
  readonly hostname: string;
  readonly mounts: readonly Mount[];
  readonly joins?: JoinedContainers;
  readonly logPath: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly memoryCapacityBytes: number;
  /** The directory of the node's seccomp profiles. */
  readonly seccompDir: string;
}

/** Docker's, for images that set none. */
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** They do not change while a kernel runs. */
const modules = readSecurityModules();

/** The whole order to the runtime. */
export function containerSpec(parts: ContainerParts): ContainerSpec {
  const { id, sandboxId, pod, container, layers, layerDir, mounts, logPath, labels, user } = parts;
  const security = container.securityContext ?? {};
  const capabilities = containerCapabilities(security.capabilities);
  const own = ownSettings(pod);
  const seccomp = seccompProfile(pod, container, parts.seccompDir);
  return {
    id,
    sandboxId,
    layers,
    layerDir,
    ...(parts.keepsLayer === true ? { keepsLayer: true } : {}),
    ...(parts.joins === undefined ? {} : { joins: parts.joins }),
    readonlyRootfs: security.readOnlyRootFilesystem === true,
    args: argsOf(parts),
    env: environment(parts),
    cwd: workingDir(container, parts.image),
    user: { uid: user.uid, gid: user.gid, groups: user.groups },
    mounts,
    privileged: security.privileged === true,
    ...(capabilities === undefined ? {} : { capabilities }),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...containerSettings(pod, container, modules),
    noNewPrivileges: security.allowPrivilegeEscalation === false,
    tty: container.tty === true,
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    resources: mergeResources(containerResources(container), ownResources(own)),
    oomScoreAdj: own.oomScoreAdj ?? oomScoreAdj(pod, container, parts.memoryCapacityBytes),
    cgroupName: id,
    logPath,
    labels,
  };
}

/**
 * `command` replaces the image's entrypoint and its arguments; `args` alone replace the arguments.
 * With neither, what the image says runs.
 */
function argsOf({ container, image, env }: ContainerParts): string[] {
  const command = container.command ?? [];
  const args = container.args ?? [];
  const expanded = (list: readonly string[]) => list.map((text) => expand(text, (n) => env.get(n)));
  if (command.length > 0) return [...expanded(command), ...expanded(args)];
  return [...image.entrypoint, ...(args.length > 0 ? expanded(args) : image.cmd)];
}

function workingDir(container: PodContainer, image: ImageConfig): string {
  const own = container.workingDir ?? '';
  if (own !== '') return own;
  return image.workingDir === '' ? '/' : image.workingDir;
}

function environment({ image, env, hostname, user, container }: ContainerParts): string[] {
  const result = new Map<string, string>([
    ['PATH', defaultPath],
    ['HOSTNAME', hostname],
  ]);
  if (container.tty === true) result.set('TERM', 'xterm');
  for (const line of image.env) {
    const equals = line.indexOf('=');
    if (equals > 0) result.set(line.slice(0, equals), line.slice(equals + 1));
  }
  for (const [name, text] of env) result.set(name, text);
  if (!result.has('HOME')) result.set('HOME', user.home === '' ? '/' : user.home);
  return [...result].map(([name, text]) => `${name}=${text}`);
}
