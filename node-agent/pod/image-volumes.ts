/**
 * Volumes that are images (KEP-4639): what the image holds, in the pod's own directory, made when a container that mounts it
 * starts first. It stays what it is for the pod's life, whatever the name means later.
 */
import { stat } from 'node:fs/promises';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { containerImage } from './container-image.ts';
import { provideVolume } from './keeping.ts';
import type { PodState } from './pod-state.ts';
import type { World } from './world.ts';

/** Of those that the container mounts. @throws PullUnderWay, StartFailure as for the container's own image */
export async function provideImageVolumes(
  world: World,
  state: PodState,
  pod: Pod,
  container: PodContainer,
): Promise<void> {
  const mounted = new Set((container.volumeMounts ?? []).map(({ name }) => name));
  for (const { name, image: wanted } of pod.spec?.volumes ?? []) {
    const dir = state.volumes.get(name);
    if (wanted === undefined || dir === undefined || !mounted.has(name)) continue;
    if (await stat(dir).catch(() => undefined)) continue;
    const { reference = '', pullPolicy = 'IfNotPresent' } = wanted;
    const asked = { ...container, image: reference, imagePullPolicy: pullPolicy };
    const { image } = await containerImage(world, state, pod, asked);
    await provideVolume(dir, await world.images.layers(image), '/');
  }
}
