/**
 * Pulls beside the work on pods: begun by a container's start, which is planned again when the pull ends. However long a
 * registry takes, neither other pods nor the deletion of this one wait for it.
 */
import type { Observable } from 'rxjs/internal/Observable';
import { Subject } from 'rxjs/internal/Subject';
import type { Pod, PodContainer, Secret } from '#api/resources/types.ts';
import { ImageError, type Images, type LocalImage } from '#node-agent/image/images.ts';
import type { ObjectSource } from '../volume/object-source.ts';
import type { PodEvents } from './pod-events.ts';
import type { PodState } from './pod-state.ts';

export interface ImagePullsOptions {
  readonly images: Images;
  readonly secrets: ObjectSource<Secret>;
  readonly events: PodEvents;
  readonly now: () => number;
  /** The node has an image it had not before. */
  readonly onPulled?: () => void;
}

export interface PullFor {
  readonly state: PodState;
  readonly pod: Pod;
  readonly container: PodContainer;
}

export class ImagePulls {
  readonly #options: ImagePullsOptions;
  readonly #ended = new Subject<string>();
  readonly #states = new Set<PodState>();

  constructor(options: ImagePullsOptions) {
    this.#options = options;
  }

  /** UIDs of pods that a pull ended for, well or not. */
  get ended(): Observable<string> {
    return this.#ended;
  }

  /** Begins a pull for a container unless one is under way. Its end is in the pod's state, told by `ended`. */
  begin(wanted: PullFor): void {
    const { state, container } = wanted;
    if (state.pulls.isRunning(container.name)) return;
    const signal = state.pulls.begin(container.name);
    this.#states.add(state);
    void this.#run(wanted, signal).finally(() => {
      // What was laid before the pull had no image.
      void state.takeGroundwork(container.name);
      if (state.pulls.running().size === 0) this.#states.delete(state);
      this.#ended.next(state.identity.uid);
    });
  }

  close(): void {
    for (const state of this.#states) state.pulls.cancel();
  }

  async #run(wanted: PullFor, signal: AbortSignal): Promise<void> {
    const { state, container } = wanted;
    const name = container.image ?? '';
    try {
      const image = await this.#pull(wanted, name, signal);
      state.pulls.end(container.name, { name, image });
    } catch (error) {
      state.pulls.end(container.name);
      if (!signal.aborted) this.#failed(wanted, name, error);
    }
  }

  async #pull({ pod, container }: PullFor, name: string, signal: AbortSignal): Promise<LocalImage> {
    const { images, secrets, events, now, onPulled } = this.#options;
    const began = now();
    // Loaded when it is wanted first: most agents start with all images they need.
    const { pullLogins } = await import('./pull-secrets.ts');
    const { credentials, unusable } = await pullLogins(pod, name, (key) =>
      secrets.read(key, signal),
    );
    if (unusable.length > 0) {
      const message = `Unable to retrieve some image pull secrets (${unusable.join(', ')}); attempting to pull the image may not succeed.`;
      events.warn(pod, 'FailedToRetrieveImagePullSecret', message, container.name);
    }
    events.note(pod, 'Pulling', `Pulling image "${name}"`, container.name);
    const image = await images.pull(name, { credentials, signal });
    events.note(pod, 'Pulled', pulledMessage(name, image, now() - began), container.name);
    onPulled?.();
    return image;
  }

  /** The first failure is told as it is, later ones as the back-off they lengthen (pkg/kubelet/images/image_manager.go). */
  #failed({ state, pod, container }: PullFor, name: string, error: unknown): void {
    const { events, now } = this.#options;
    const why = error instanceof Error ? error.message : String(error);
    const isFirst = !state.isWaiting(container.name);
    const failure = isFirst
      ? { reason: reasonOf(error), message: why }
      : { reason: 'ImagePullBackOff', message: `Back-off pulling image "${name}": ${why}` };
    state.failed(container.name, failure, now());
    events.warn(pod, 'Failed', `Failed to pull image "${name}": ${why}`, container.name);
    if (isFirst) events.warn(pod, 'Failed', `Error: ${reasonOf(error)}`, container.name);
    else events.warn(pod, 'BackOff', `Back-off pulling image "${name}"`, container.name);
  }
}

/** kubelet's reasons (pkg/kubelet/images/types.go). */
function reasonOf(error: unknown): string {
  const isUntrusted = error instanceof ImageError && error.code === 'Untrusted';
  return isUntrusted ? 'SignatureValidationFailed' : 'ErrImagePull';
}

/** kubelet's words. */
function pulledMessage(name: string, { sizeBytes }: LocalImage, tookMs: number): string {
  const took = tookMs < 1000 ? `${Math.round(tookMs)}ms` : `${(tookMs / 1000).toFixed(3)}s`;
  return `Successfully pulled image "${name}" in ${took} (${took} including waiting). Image size: ${sizeBytes} bytes.`;
}
