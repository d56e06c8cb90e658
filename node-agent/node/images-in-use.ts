/** Which images the containers of this node stand on. */
import type { Pod } from '#api/resources/types.ts';
import type { Images } from '#node-agent/image/images.ts';

/** Digests of the images that pods name, running or not, and of others named in `more`; what is not here is left out. */
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
