/** Empties namespaces that are being deleted, then lets them go. */
import { namespaces } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Namespace } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import {
  type Outcome,
  reconcileKeys,
  requeueAfter,
  settled,
} from '#controller/runtime/reconcile.ts';
import { selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { writeStatus } from '#controller/runtime/write.ts';
import { Content } from './content.ts';
import { terminatingStatus } from './plan.ts';

/** In `spec.finalizers`: ours to remove when the namespace is empty. */
const finalizer = 'kubernetes';
/** Between two looks at what is left: from the first to the last, half as long again each time. */
const firstLookMs = 50;
const lastLookMs = 5_000;

class Namespaces {
  readonly #world: World;
  readonly cache: Cache<Namespace>;
  /** How often each namespace was looked at in vain. */
  readonly #looks = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
    this.cache = world.cache<Namespace>(namespaces);
  }

  async reconcile(name: string, signal: AbortSignal): Promise<Outcome> {
    const namespace = this.cache.get(name);
    if (namespace?.metadata.deletionTimestamp === undefined) {
      this.#looks.delete(name);
      return settled();
    }
    if (!(namespace.spec?.finalizers ?? []).includes(finalizer)) return settled();
    const findings = await new Content(this.#world.client, name, signal).delete();
    const failed = findings.discoveryFailure ?? findings.deletionFailure;
    if (findings.remainders.length === 0 && failed === undefined) {
      await this.#finalize(namespace, signal);
      return settled('finalize');
    }
    const collection = this.#world.collection<Namespace>(namespaces);
    const status = terminatingStatus(namespace, findings, this.#world.clock.now());
    await writeStatus(collection, this.cache, namespace, status, signal);
    const looks = this.#looks.get(name) ?? 0;
    this.#looks.set(name, looks + 1);
    return requeueAfter(Math.min(lastLookMs, firstLookMs * 1.5 ** looks), 'delete content');
  }

  async #finalize(namespace: Namespace, signal: AbortSignal): Promise<void> {
    const { name } = namespace.metadata;
    const finalizers = namespace.spec?.finalizers?.filter((one) => one !== finalizer) ?? [];
    const body = { ...namespace, spec: { ...namespace.spec, finalizers } };
    const path = `/api/v1/namespaces/${name}/finalize`;
    try {
      await this.#world.client.request('PUT', path, body, signal);
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }
}

export const namespaceController: Controller = {
  name: 'namespace',
  run: (world) => {
    const all = new Namespaces(world);
    const keys$ = whenSynced([all.cache], selfKeys(all.cache.changes));
    const { clock } = world;
    return reconcileKeys(keys$, (name, signal) => all.reconcile(name, signal), { clock });
  },
};
