/** The image a container is started from: what its pull policy says, and the waiting reasons Kubernetes has for failures. */
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { ImageError, type LocalImage } from '#node-agent/image/images.ts';
import { keeperOf } from './kept-containers.ts';
import type { PodState } from './pod-state.ts';
import type { World } from './world.ts';

/** The container cannot be started now; `reason` is what `state.waiting` shows. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
  readonly reason: string;
  constructor(reason: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}

/** The container's image is on its way: nothing went wrong, the start is planned again. */
export class PullUnderWay extends Error {
  override readonly name = 'PullUnderWay';
}

export interface FoundImage {
  readonly image: LocalImage;
  /** It was pulled for this very start. */
  readonly isPulled: boolean;
}

/**
 * The container's image on this node, once it is there.
 * @throws PullUnderWay after beginning a pull, StartFailure with `InvalidImageName`, `ErrImageNeverPull` or
 * `SignatureValidationFailed`
 */
export async function containerImage(
  world: World,
  state: PodState,
  pod: Pod,
  container: PodContainer,
): Promise<FoundImage> {
  const name = container.image ?? '';
  const pulled = state.pulls.take(container.name, name);
  if (pulled !== undefined) return { image: pulled, isPulled: true };
  const find = (text: string) =>
    world.images.find(text).catch((cause: unknown) => {
      throw findFailure(name, cause);
    });
  const found = await find(name);
  const last = found === undefined ? await keptImage(world, pod, name) : undefined;
  const image = last === undefined ? found : await find(last);
  const isTrusted = image !== undefined && (await world.images.isTrusted(name));
  if (isTrusted && !mustAsk(container, image)) return { image, isPulled: false };
  if (container.imagePullPolicy === 'Never') {
    if (image !== undefined) throw untrusted(name);
    const message = `Container image "${name}" is not present with pull policy of Never`;
    throw new StartFailure('ErrImageNeverPull', message);
  }
  world.pulls.begin({ state, pod, container });
  throw new PullUnderWay(`pulling ${name}`);
}

/** Whether a start would take an image that is here, asking nobody. */
export async function isImageHere({ images }: World, container: PodContainer): Promise<boolean> {
  const name = container.image ?? '';
  const image = await images.find(name);
  return image !== undefined && !mustAsk(container, image) && images.isTrusted(name);
}

/** What a Container stood on when it ran last under this name: it is not lost when the name is taken away (`bay rmi -f`). */
async function keptImage({ kept }: World, pod: Pod, name: string): Promise<string | undefined> {
  const uid = keeperOf(pod);
  const last = uid === undefined ? undefined : await kept.find(uid);
  return last?.reference === name ? last.image : undefined;
}

function untrusted(name: string): StartFailure {
  const message = `Container image "${name}" is present, but no pull has found it as the cluster's ImagePolicies demand, and its pull policy is Never`;
  return new StartFailure('SignatureValidationFailed', message);
}

/** `Always` asks the registry; an image that was loaded from an archive has none that could be asked. */
function mustAsk({ imagePullPolicy }: PodContainer, { repoDigests = [] }: LocalImage): boolean {
  return imagePullPolicy === 'Always' && repoDigests.length > 0;
}

function findFailure(name: string, cause: unknown): StartFailure {
  const why = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof ImageError && cause.code === 'InvalidReference') {
    const message = `Failed to apply default image tag "${name}": couldn't parse image name: ${why}`;
    return new StartFailure('InvalidImageName', message, { cause });
  }
  return new StartFailure('ImageInspectError', `inspect image "${name}": ${why}`, { cause });
}
