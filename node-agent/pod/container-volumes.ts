/**
 * The volumes that a Container's document names (`mounts` of type `volume`): kept over stop and start, begun with what the image
 * has at their place. One without a name is the container's own; one with a name is the namespace's, on this node:
 *
 *     <dataDir>/containers/<uid>/volumes/<hash of the target>
 *     <dataDir>/volumes/<namespace>/<name>
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Pod } from '#api/resources/types.ts';
import type { Mount } from '#node-agent/container/runtime.ts';
import { StartFailure } from './container-image.ts';

/** On the Pod: the names of its volumes that have one, by where they are mounted (`controller/container/pod.ts`). */
export const volumesAnnotation = 'bayplan.dev/volumes';

export const volumeName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

export const volumeHash = (target: string): string =>
  createHash('sha256').update(target).digest('hex').slice(0, 16);

function namesOf(pod: Pod): ReadonlyMap<string, unknown> {
  try {
    const text = pod.metadata.annotations?.[volumesAnnotation] ?? '{}';
    return new Map(Object.entries(JSON.parse(text) as object));
  } catch {
    return new Map();
  }
}

/**
 * Where each of a Container's volumes is, by its target. Pure.
 * @throws StartFailure for a name that is none
 */
export function volumePlaces(
  pod: Pod,
  container: string,
  dirs: { readonly own: (hash: string) => string; readonly shared: string },
): ReadonlyMap<string, string> {
  const names = namesOf(pod);
  const kept = new Set(
    (pod.spec?.volumes ?? [])
      .filter(({ emptyDir }) => emptyDir !== undefined && emptyDir?.medium !== 'Memory')
      .map(({ name }) => name),
  );
  const { volumeMounts = [] } = pod.spec?.containers.find(({ name }) => name === container) ?? {};
  const places = new Map<string, string>();
  for (const { name, mountPath } of volumeMounts) {
    if (!kept.has(name)) continue;
    const shared = names.get(mountPath);
    if (shared === undefined) places.set(mountPath, dirs.own(volumeHash(mountPath)));
    else if (typeof shared === 'string' && volumeName.test(shared)) {
      places.set(mountPath, join(dirs.shared, pod.metadata.namespace ?? 'default', shared));
    } else {
      const why = `${JSON.stringify(shared)}: write letters, digits, '_', '.' and '-'`;
      throw new StartFailure('InvalidVolumeName', `the volume at ${mountPath} is called ${why}`);
    }
  }
  return places;
}

/** The mounts with the volumes' places instead of directories that go with the Pod. Pure. */
export const withPlaces = (
  mounts: readonly Mount[],
  places: ReadonlyMap<string, string>,
): readonly Mount[] =>
  mounts.map((mount) => {
    const source = places.get(mount.target);
    if (source === undefined || mount.type !== 'bind') return mount;
    const { root: _, ...rest } = mount;
    return { ...rest, source };
  });
