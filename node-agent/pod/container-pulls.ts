/** The pulls of one pod: which containers wait for one, and what it brought. In memory only: a pull that is lost is begun anew. */
import type { LocalImage } from '#node-agent/image/images.ts';

interface Pulled {
  /** As the document names it, which may be changed meanwhile. */
  readonly name: string;
  readonly image: LocalImage;
}

/** A container's own image, or one that it mounts. */
const keyOf = (container: string, name: string): string => `${container} ${name}`;

export class ContainerPulls {
  readonly #running = new Map<string, AbortController>();
  readonly #pulled = new Map<string, LocalImage>();

  /** Containers whose images are on their way. */
  running(): ReadonlySet<string> {
    return new Set(this.#running.keys());
  }

  isRunning(container: string): boolean {
    return this.#running.has(container);
  }

  /** The signal aborts when nobody wants the image any more. */
  begin(container: string): AbortSignal {
    const controller = new AbortController();
    this.#running.set(container, controller);
    return controller.signal;
  }

  /** `pulled` is absent when the pull failed. */
  end(container: string, pulled?: Pulled): void {
    this.#running.delete(container);
    if (pulled !== undefined) this.#pulled.set(keyOf(container, pulled.name), pulled.image);
  }

  /** What the last pull brought for the next start, once. */
  take(container: string, name: string): LocalImage | undefined {
    const key = keyOf(container, name);
    const pulled = this.#pulled.get(key);
    this.#pulled.delete(key);
    return pulled;
  }

  cancel(): void {
    for (const controller of this.#running.values()) controller.abort();
    this.#pulled.clear();
  }
}
