/**
 * What a container's start needs and does not depend on the pod's surroundings: its image, user and directories. Laid
 * while network and sandbox are made.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import type { LocalImage } from '#node-agent/image/images.ts';
import { containerImage } from './container-image.ts';
import { ConfigError } from './env.ts';
import { keeperOf } from './kept-containers.ts';
import { ownSettings } from './own-settings.ts';
import { layerDir, logFile, terminationLog } from './paths.ts';
import type { PodState } from './pod-state.ts';
import type { World } from './world.ts';

/** Of a Container's Pod: its user by name (`controller/container/pod.ts`). */
const userAnnotation = 'bayplan.dev/user';

export interface Groundwork {
  readonly image: LocalImage;
  readonly isPulled: boolean;
  readonly layers: readonly string[];
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly groups: readonly number[];
    readonly home: string;
  };
}

/** @throws PullUnderWay when the image is not here yet, StartFailure when it cannot be used, ConfigError for root under runAsNonRoot */
export async function layGroundwork(
  world: World,
  state: PodState,
  pod: Pod,
  container: PodContainer,
): Promise<Groundwork> {
  const places = providePlaces(world, state, container);
  const found = containerImage(world, state, pod, container);
  const ofImage = found.then(async ({ image, isPulled }) => {
    const [layers, user] = await Promise.all([
      world.images.layers(image),
      userOf(world, pod, container, image),
    ]);
    return { image, isPulled, layers, user };
  });
  const [laid] = await Promise.all([ofImage, places]);
  return laid;
}

/** Directories for the log, the termination message and the writable layer. */
async function providePlaces(world: World, state: PodState, container: PodContainer) {
  const { paths } = world;
  const { identity } = state;
  const first = { container: container.name, attempt: 0 };
  const provide = (dir: string, mode: number) => mkdir(dir, { recursive: true, mode });
  await Promise.all([
    provide(dirname(logFile(paths, identity, first)), 0o755),
    provide(dirname(terminationLog(paths, identity.uid, first)), 0o755),
    provide(dirname(layerDir(paths, identity.uid, 'any')), 0o710),
  ]);
}

/** Who the process is: the document's numbers before the image's user. */
async function userOf(world: World, pod: Pod, container: PodContainer, image: LocalImage) {
  const of = pod.spec?.securityContext ?? {};
  const own = container.securityContext ?? {};
  const uid = own.runAsUser ?? of.runAsUser;
  const gid = own.runAsGroup ?? of.runAsGroup;
  const named =
    keeperOf(pod) === undefined ? undefined : pod.metadata.annotations?.[userAnnotation];
  const wanted = uid === undefined ? (named ?? image.config.user) : String(uid);
  const found = await world.images.resolveUser(image, wanted);
  const nonRoot = own.runAsNonRoot ?? of.runAsNonRoot;
  if (nonRoot === true && found.uid === 0) {
    throw new ConfigError(
      `container has runAsNonRoot and image will run as root (container: ${container.name})`,
    );
  }
  // Strict: not those that the image says the user has.
  const ofImage = of.supplementalGroupsPolicy === 'Strict' ? [] : found.groups;
  const groups = new Set([...ofImage, ...(of.supplementalGroups ?? [])]);
  if (of.fsGroup !== undefined) groups.add(of.fsGroup);
  for (const name of ownSettings(pod).groups ?? []) {
    groups.add((await world.images.resolveUser(image, `0:${name}`)).gid);
  }
  return { uid: found.uid, gid: gid ?? found.gid, groups: [...groups], home: found.home };
}
