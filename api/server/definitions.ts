/** Custom kinds as their definitions come, change and go. */
import * as TE from 'fp-ts/lib/TaskEither.js';
import type { KubeObject } from '#api/resources/meta.ts';
import { hasReason } from '#api/resources/status.ts';
import type { CustomResourceDefinition } from '#api/resources/types.ts';
import type { MutableKinds } from '../schema/kinds.ts';
import { changeStored } from '../verbs/change.ts';
import { cleanupFinalizer, established, storedDefinitions } from '../verbs/definition.ts';
import { deleteStored } from '../verbs/delete.ts';
import type { ApiContext } from '../verbs/request.ts';
import { builtIn } from '../verbs/subresources/binding.ts';
import type { Log } from './log.ts';

const prefix = '/registry/apiextensions.k8s.io/customresourcedefinitions/';

type Definition = CustomResourceDefinition;

export class Definitions {
  readonly #context: ApiContext;
  readonly #kinds: MutableKinds;
  readonly #log: Log;
  /** Names of definitions whose objects are being deleted. */
  readonly #going = new Set<string>();
  #unfollow: (() => void) | undefined;

  constructor(context: ApiContext, kinds: MutableKinds, log: Log) {
    this.#context = context;
    this.#kinds = kinds;
    this.#log = log;
  }

  /** Serves the kinds of all definitions, from now on. */
  start(): void {
    const { cache } = this.#context;
    this.#unfollow = cache.watch(prefix, cache.revision, () => this.#refresh());
    this.#refresh();
  }

  stop(): void {
    this.#unfollow?.();
  }

  #refresh(): void {
    const definitions = storedDefinitions(this.#context);
    this.#kinds.setCustom(definitions);
    void this.#acceptNames(definitions);
    for (const definition of definitions) {
      const { name, deletionTimestamp, finalizers = [] } = definition.metadata;
      const going = deletionTimestamp !== undefined && finalizers.includes(cleanupFinalizer);
      if (going && !this.#going.has(name)) void this.#cleanUp(definition);
    }
  }

  /** A name that was taken may have become free with another definition's end. */
  async #acceptNames(definitions: readonly Definition[]): Promise<void> {
    const waiting = definitions.filter(
      ({ metadata, status }) =>
        metadata.deletionTimestamp === undefined &&
        status?.conditions?.some(
          (condition) => condition.type === 'NamesAccepted' && condition.status === 'False',
        ),
    );
    for (const { metadata } of waiting) {
      await this.#change(metadata.name, (current) => established(current, this.#context));
    }
  }

  /** Deletes all objects of the kind; when the last is gone the definition may go. */
  async #cleanUp(definition: Definition): Promise<void> {
    const { name } = definition.metadata;
    this.#going.add(name);
    try {
      await this.#deleteObjects(definition);
      await this.#letGo(name);
    } catch (error) {
      this.#log('error', 'custom kind not cleaned up', { definition: name, error: String(error) });
    } finally {
      this.#going.delete(name);
    }
  }

  async #deleteObjects({ spec }: Definition): Promise<void> {
    const { cache } = this.#context;
    const version = spec.versions.find(({ served }) => served)?.name ?? '';
    const kind = this.#kinds.find(spec.group, version, spec.names.plural);
    if (kind === undefined) return;
    const range = `${kind.storagePrefix}/`;
    for (const entry of cache.list(range).entries) {
      try {
        await deleteStored(this.#context, kind, entry.key, { dryRun: false });
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error;
      }
    }
    // Objects with finalizers go when whoever set them is done.
    await new Promise<void>((resolve) => {
      const check = () => {
        if (cache.list(range, { limit: 1 }).entries.length > 0) return;
        unfollow?.();
        resolve();
      };
      const unfollow: (() => void) | undefined = cache.watch(range, cache.revision, check);
      check();
    });
  }

  async #letGo(name: string): Promise<void> {
    await this.#change(name, (current) => {
      const finalizers = current.metadata.finalizers?.filter((one) => one !== cleanupFinalizer);
      const metadata = { ...current.metadata, finalizers: finalizers ?? [] };
      return { ...current, metadata };
    });
  }

  async #change(name: string, change: (current: KubeObject) => KubeObject): Promise<void> {
    const kind = builtIn(this.#kinds, 'apiextensions.k8s.io/v1', 'CustomResourceDefinition');
    const key = `${prefix}${name}`;
    const options = { kind, key, name, onConflict: 'retry', dryRun: false } as const;
    try {
      await changeStored(this.#context, options, (current) => TE.right(change(current)));
    } catch (error) {
      if (hasReason(error, 'NotFound')) return;
      this.#log('error', 'definition not updated', { definition: name, error: String(error) });
    }
  }
}
