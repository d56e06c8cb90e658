/**
 * What a Container's document says that a Pod has no field for. Its controller hands it on in an annotation
 * (`controller/container/settings.ts`), with the names of the document. Pure.
 */
import * as t from 'io-ts';
import { InvalidQuantity, value } from '#api/resources/quantity.ts';
import type { Pod } from '#api/resources/types.ts';
import type { Resources } from '#node-agent/container/cgroup-resources.ts';
import type { Mount } from '#node-agent/container/runtime.ts';
import type { ContainerSettings, SandboxSettings } from '#node-agent/container/settings.ts';
import { decodeAs } from '#node-agent/oci/config/problem.ts';
import { ConfigError } from './env.ts';
import { keeperOf } from './kept-containers.ts';

const settingsAnnotation = 'bayplan.dev/settings';

const Strings = t.readonlyArray(t.string);
const Limit = t.type({ name: t.string, soft: t.Int, hard: t.Int });
const Device = t.intersection([
  t.type({ source: t.string, path: t.string }),
  t.partial({ permissions: t.string }),
]);
const Tmpfs = t.intersection([
  t.type({ target: t.string }),
  t.partial({ size: t.string, readOnly: t.boolean, options: Strings }),
]);
const Settings = t.partial({
  domainname: t.string,
  init: t.boolean,
  groups: Strings,
  ulimits: t.readonlyArray(Limit),
  shmSize: t.string,
  sysctls: t.record(t.string, t.string),
  devices: t.readonlyArray(Device),
  oomScoreAdj: t.Int,
  network: t.literal('none'),
  uts: t.literal('host'),
  /** Whose namespaces its container has, by UIDs of Pods of the same namespace and node. */
  joined: t.partial({ network: t.string, ipc: t.string, pid: t.string }),
  unmasked: t.boolean,
  landlock: t.partial({ readOnly: Strings, readWrite: Strings }),
  resources: t.partial({ memorySwap: t.string, cpuset: t.string, pids: t.Int }),
  tmpfs: t.readonlyArray(Tmpfs),
});

export interface OwnSettings extends t.TypeOf<typeof Settings> {}

const none: OwnSettings = {};

/**
 * Of a Pod that no Container made: nothing, whatever its annotations say.
 * @throws ConfigError naming the field that cannot be meant
 */
export function ownSettings(pod: Pod): OwnSettings {
  const text = pod.metadata.annotations?.[settingsAnnotation];
  if (text === undefined || keeperOf(pod) === undefined) return none;
  try {
    return decodeAs(Settings, settingsAnnotation, JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const place = why.startsWith(settingsAnnotation) ? '' : `${settingsAnnotation}: `;
    throw new ConfigError(`${place}${why}`);
  }
}

function bytes(field: string, text: string): number {
  try {
    const amount = value(text);
    if (Number.isSafeInteger(amount) && amount > 0) return amount;
  } catch (error) {
    if (!(error instanceof InvalidQuantity)) throw error;
  }
  throw new ConfigError(`${field}: ${JSON.stringify(text)} is not an amount of memory, e.g. 64Mi`);
}

/** For the sandbox. The container controller's sysctls may be any of its namespaces; the runtime looks. */
export function ownSandboxSettings(own: OwnSettings): SandboxSettings {
  const { domainname, shmSize, sysctls, network, uts, joined } = own;
  // Until it joins another's it has nobody's network, least of all the node's.
  const none = network !== undefined || joined?.network !== undefined;
  return {
    ...(domainname === undefined ? {} : { domainname }),
    ...(shmSize === undefined ? {} : { shmBytes: bytes('shmSize', shmSize) }),
    ...(sysctls === undefined ? {} : { sysctls }),
    ...(none ? { noNetwork: true } : {}),
    ...(uts === undefined ? {} : { hostUts: true }),
  };
}

/** For the container. */
export function ownContainerSettings(own: OwnSettings): ContainerSettings {
  const { init, unmasked, ulimits, devices, landlock } = own;
  return {
    ...(init === true ? { init } : {}),
    ...(unmasked === true ? { unmasked } : {}),
    ...(ulimits === undefined
      ? {}
      : { rlimits: ulimits.map(({ name, soft, hard }) => ({ type: name, soft, hard })) }),
    ...(devices === undefined
      ? {}
      : {
          devices: devices.map(({ source, path, permissions = 'rwm' }) => ({
            hostPath: source,
            path,
            permissions,
          })),
        }),
    ...(landlock === undefined
      ? {}
      : { landlock: { readOnly: landlock.readOnly ?? [], readWrite: landlock.readWrite ?? [] } }),
  };
}

/** Limits over those that the Pod has fields for. */
export function ownResources({ resources }: OwnSettings): Resources {
  if (resources === undefined) return {};
  const { memorySwap, cpuset, pids } = resources;
  return {
    ...(cpuset === undefined ? {} : { cpu: { cpus: cpuset } }),
    ...(memorySwap === undefined
      ? {}
      : {
          memory: {
            swap: memorySwap === '-1' ? -1 : bytes('resources.memorySwap', memorySwap),
          },
        }),
    ...(pids === undefined || pids <= 0 ? {} : { pids: { limit: pids } }),
  };
}

/** File systems in memory, new at every start. Docker's options come first, so that the document's count. */
export function ownMounts({ tmpfs = [] }: OwnSettings): Mount[] {
  return tmpfs.map(({ target, size, readOnly = false, options = [] }) => ({
    type: 'tmpfs',
    target,
    readonly: readOnly || options.includes('ro'),
    options: ['noexec', ...options],
    ...(size === undefined ? {} : { sizeBytes: bytes(`mounts[${target}].size`, size) }),
  }));
}
