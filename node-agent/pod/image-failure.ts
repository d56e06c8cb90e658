/** Why a container's image cannot be used: the waiting reasons Kubernetes has for it. */
import type { PodContainer } from '#api/resources/types.ts';
import { ImageError, type Images, type LocalImage } from '#node-agent/image/images.ts';

/** The container cannot be started now; `reason` is what `state.waiting` shows. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
  readonly reason: string;
  constructor(reason: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}

/**
 * The container's image on this node.
 * @throws StartFailure with `InvalidImageName`, `ErrImageNeverPull`, `ErrImagePull` or `ImagePullBackOff`
 */
export async function localImage(
  images: Images,
  container: PodContainer,
  tries: 'first' | 'later',
): Promise<LocalImage> {
  const name = container.image ?? '';
  const image = await images.find(name).catch((cause: unknown) => {
    throw findFailure(name, cause);
  });
  if (image !== undefined) return image;
  if (container.imagePullPolicy === 'Never') {
    const message = `Container image "${name}" is not present with pull policy of Never`;
    throw new StartFailure('ErrImageNeverPull', message);
  }
  const message = `image "${name}" is not on this node, and this node does not pull from registries: load it with \`bay image load FILE\``;
  if (tries === 'first') throw new StartFailure('ErrImagePull', message);
  throw new StartFailure('ImagePullBackOff', `Back-off pulling image "${name}": ${message}`);
}

function findFailure(name: string, cause: unknown): StartFailure {
  const why = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof ImageError && cause.code === 'InvalidReference') {
    const message = `Failed to apply default image tag "${name}": couldn't parse image name: ${why}`;
    return new StartFailure('InvalidImageName', message, { cause });
  }
  return new StartFailure('ImageInspectError', `inspect image "${name}": ${why}`, { cause });
}
