/** The pulls of one pod: which containers wait for one, and what it brought. In memory only: a pull that is lost is begun anew. */
import type { LocalImage } from '#node-agent/image/images.ts';

interface Pulled {
  /** As the container names it: a document may be changed meanwhile. */
  readonly name: string;
  readonly image: LocalImage;
}

export class ContainerPulls {
  readonly #running = new Map<string, AbortController>();
  readonly #pulled = new Map<string, Pulled>();

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
    if (pulled !== undefined) this.#pulled.set(container, pulled);
  }

  /** What the last pull brought for the next start, once. */
  take(container: string, name: string): LocalImage | undefined {
    const pulled = this.#pulled.get(container);
    this.#pulled.delete(container);
    return pulled?.name === name ? pulled.image : undefined;
  }

  cancel(): void {
    for (const controller of this.#running.values()) controller.abort();
    this.#pulled.clear();
  }
}
