/** Remembers what a store's watch tells. */
import type { Subscription } from 'rxjs';
import type { Test } from 'tap';
import type { Storage, StorageEvent } from '#api/storage/storage.ts';

/** Everything a watch tells, and a way to wait for so many changes. */
export class Recorder {
  readonly told: StorageEvent[] = [];
  error: unknown;
  readonly #subscription: Subscription;
  #changed = Promise.withResolvers<void>();

  constructor(t: Pick<Test, 'teardown'>, storage: Storage, prefix: string, from: number) {
    this.#subscription = storage.watch(prefix, from).subscribe({
      next: (events) => {
        this.told.push(...events);
        this.#changed.resolve();
      },
      error: (error) => {
        this.error = error;
        this.#changed.resolve();
      },
    });
    t.teardown(() => this.stop());
  }

  /** Resolves when `holds`; the test's own timeout is the deadline. */
  async until(holds: (recorder: this) => boolean): Promise<this> {
    while (!holds(this)) {
      await this.#changed.promise;
      this.#changed = Promise.withResolvers();
    }
    return this;
  }

  /** The changes so far, in short: `put /a 3 x`, `delete /a 4`. */
  get changes(): string[] {
    return this.told
      .filter((event) => event.type !== 'progress')
      .map((event) => {
        const short = `${event.type} ${event.key} ${event.revision}`;
        if (event.type === 'delete') return short;
        return `${short} ${event.value.toString()}${event.created ? ' new' : ''}`;
      });
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }
}
