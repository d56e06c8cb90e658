/** The image a container is started from: what its pull policy says, and the waiting reasons Kubernetes has for failures. */
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { ImageError, type LocalImage } from '#node-agent/image/images.ts';
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
  const image = await world.images.find(name).catch((cause: unknown) => {
    throw findFailure(name, cause);
  });
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
