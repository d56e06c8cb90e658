/** Why a volume cannot be made yet. */

/** A required object or key is missing: the pod waits for it in ContainerCreating. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}
