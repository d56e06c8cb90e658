/** `HostConfig` of `docker inspect`: what the document asks of the node, in docker's units. Pure. */
import { milliValue, value } from '#api/resources/quantity.ts';
import type { Container, Port } from '../container.ts';
import { portKey } from './config.ts';

type Spec = Container['spec'];

/** Nothing is 0, as docker has it. */
const bytes = (text: string | undefined): number => (text === undefined ? 0 : value(text));

/** `80/tcp`: where it is reached on the node; an empty `HostPort` is any free one. */
export function bindings(
  ports: readonly Port[],
): Record<string, { HostIp: string; HostPort: string }[]> {
  const found: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of ports) {
    if (port.hostPort === undefined) continue;
    const one = { HostIp: port.hostIP ?? '0.0.0.0', HostPort: String(port.hostPort || '') };
    found[portKey(port)] = [...(found[portKey(port)] ?? []), one];
  }
  return found;
}

function limits({ resources = {}, shmSize, oomScoreAdj, ulimits = [] }: Spec): object {
  const { memory, memoryReservation, memorySwap, cpu, cpuShares, cpuset, pids } = resources;
  return {
    Memory: bytes(memory),
    MemoryReservation: bytes(memoryReservation),
    MemorySwap: memorySwap === '-1' ? -1 : bytes(memorySwap),
    NanoCpus: cpu === undefined ? 0 : milliValue(cpu) * 1_000_000,
    CpuShares: cpuShares ?? 0,
    CpusetCpus: cpuset ?? '',
    PidsLimit: pids ?? null,
    OomScoreAdj: oomScoreAdj ?? 0,
    ShmSize: bytes(shmSize ?? '64Mi'),
    Ulimits: ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
  };
}

function selinux({
  user,
  role,
  type,
  level,
}: NonNullable<NonNullable<Spec['security']>['selinux']>) {
  const parts = Object.entries({ user, role, type, level });
  return parts.flatMap(([name, text]) => (text === undefined ? [] : [`label=${name}:${text}`]));
}

function security({ security: asked = {} }: Spec): object {
  const { capabilities, noNewPrivileges, seccomp, apparmor, unmasked } = asked;
  const options = [
    ...(noNewPrivileges === true ? ['no-new-privileges'] : []),
    ...(seccomp === undefined ? [] : [`seccomp=${seccomp}`]),
    ...(apparmor === undefined ? [] : [`apparmor=${apparmor}`]),
    ...(unmasked === true ? ['systempaths=unconfined'] : []),
    ...selinux(asked.selinux ?? {}),
  ];
  return {
    Privileged: asked.privileged ?? false,
    CapAdd: capabilities?.add ?? null,
    CapDrop: capabilities?.drop ?? null,
    ReadonlyRootfs: asked.readOnlyRootFilesystem ?? false,
    SecurityOpt: options.length === 0 ? null : options,
  };
}

function namespaces(spec: Spec): object {
  return {
    NetworkMode: spec.network ?? 'bridge',
    PidMode: spec.pid ?? '',
    IpcMode: spec.ipc ?? 'private',
    UTSMode: spec.uts === 'host' ? 'host' : '',
    UsernsMode: spec.userns ?? '',
    Dns: spec.dns?.servers ?? [],
    DnsOptions: spec.dns?.options ?? [],
    DnsSearch: spec.dns?.searches ?? [],
    ExtraHosts: (spec.extraHosts ?? []).flatMap(({ ip, hostnames }) =>
      hostnames.map((name) => `${name}:${ip}`),
    ),
  };
}

/** `-v`'s form; a tmpfs has a place of its own. */
function files({ mounts = [], devices = [] }: Spec): object {
  const binds = mounts.filter(({ type, source }) => type !== 'tmpfs' && source !== undefined);
  const tmpfs = mounts.filter(({ type }) => type === 'tmpfs');
  return {
    Binds:
      binds.length === 0
        ? null
        : binds.map(
            ({ source, target, readOnly }) =>
              `${source}:${target}${readOnly === true ? ':ro' : ''}`,
          ),
    Tmpfs: Object.fromEntries(
      tmpfs.map(({ target, size, options = [] }) => [
        target,
        [...(size === undefined ? [] : [`size=${bytes(size)}`]), ...options].join(','),
      ]),
    ),
    Devices: devices.map(({ source, path, permissions = 'rwm' }) => ({
      PathOnHost: source,
      PathInContainer: path,
      CgroupPermissions: permissions,
    })),
  };
}

export function hostConfigOf({ spec }: Container): object {
  return {
    ...files(spec),
    ...namespaces(spec),
    PortBindings: bindings(spec.ports ?? []),
    RestartPolicy: {
      Name: spec.restartPolicy ?? 'no',
      MaximumRetryCount: spec.maximumRetryCount ?? 0,
    },
    AutoRemove: spec.autoRemove ?? false,
    GroupAdd: spec.groups ?? null,
    Init: spec.init ?? false,
    Sysctls: spec.sysctls ?? {},
    ...security(spec),
    ...limits(spec),
  };
}
