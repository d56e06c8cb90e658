/** Which images the containers of this node stand on. */
import type { Pod } from '#api/resources/types.ts';
import type { Images } from '#node-agent/image/images.ts';
import type { ImageUser } from '#node-agent/image/untag.ts';
import type { KeptContainer } from '../pod/kept-record.ts';

/**
 * Digests of the images that pods name, running or not, and of others named in `more` (Containers at rest stand on theirs);
 * what is not here is left out.
 */
export async function imagesInUse(
  images: Images,
  pods: readonly Pod[],
  more: readonly string[] = [],
): Promise<ReadonlySet<string>> {
  const names = new Set(more);
  for (const { spec } of pods) {
    const { containers = [], initContainers = [], ephemeralContainers = [] } = spec ?? {};
    for (const { image } of [...containers, ...initContainers, ...ephemeralContainers]) {
      if (image !== undefined) names.add(image);
    }
  }
  const digests = new Set<string>();
  for (const name of names) {
    const found = await images.find(name).catch(() => undefined); // a name that is none uses nothing
    if (found !== undefined) digests.add(found.digest);
  }
  return digests;
}

/** Who uses which image, by the manifest's digest: who runs before who rests. */
export async function imageUsers(
  images: Images,
  pods: readonly Pod[],
  kept: readonly KeptContainer[],
): Promise<ReadonlyMap<string, ImageUser>> {
  const users = new Map<string, ImageUser>();
  for (const { image, name } of kept) users.set(image, { container: name, running: false });
  for (const pod of pods) {
    const running = !['Succeeded', 'Failed'].includes(pod.status?.phase ?? '');
    for (const digest of await imagesInUse(images, [pod])) {
      if (running || !users.has(digest))
        users.set(digest, { container: pod.metadata.name, running });
    }
  }
  return users;
}
