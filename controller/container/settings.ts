/** What a Container says that a Pod has no field for, as its node reads it from an annotation of the Pod. Pure. */
import { canonicalJson } from '#controller/runtime/stable-name.ts';
import { defined } from '#controller/runtime/write.ts';
import type { Joined } from './sharing.ts';
import type { ContainerSpec, NodeSettings } from './types.ts';

/** On the Pod: the fields below in JSON, named as in the document. Without any there is no annotation. */
export const settingsAnnotation = 'bayplan.dev/settings';

const named: readonly (keyof NodeSettings)[] = [
  'domainname',
  'init',
  'groups',
  'ulimits',
  'shmSize',
  'sysctls',
  'devices',
  'oomScoreAdj',
];

/** Empty values change nothing and are left out, so that the same container makes the same Pod. */
const isSaid = (value: unknown): boolean =>
  value !== undefined &&
  value !== false &&
  (typeof value !== 'object' || Object.keys(value as object).length > 0);

function resources({ resources: wanted }: ContainerSpec) {
  const { memorySwap, cpuset, pids } = wanted ?? {};
  return defined({ memorySwap, cpuset, pids });
}

function tmpfs({ mounts = [] }: ContainerSpec) {
  return mounts
    .filter(({ type }) => type === 'tmpfs')
    .map(({ target, size, readOnly, options }) => defined({ target, size, readOnly, options }));
}

/** The annotation, if there is anything to say. `joined`: whose namespaces it has. */
export function settingsOf(spec: ContainerSpec, joined: Joined = {}): Record<string, string> {
  const all = {
    ...Object.fromEntries(named.map((name) => [name, spec[name]])),
    network: spec.network === 'none' ? spec.network : undefined,
    uts: spec.uts === 'host' ? spec.uts : undefined,
    joined,
    landlock: spec.security?.landlock,
    unmasked: spec.security?.unmasked,
    resources: resources(spec),
    tmpfs: tmpfs(spec),
  };
  const said = Object.entries(all).filter(([, value]) => isSaid(value));
  if (said.length === 0) return {};
  return { [settingsAnnotation]: canonicalJson(Object.fromEntries(said)) };
}
