/** Takes each Snapshot once: asks the node for a commit, tells what came of it, removes what has expired. */
import { controllerOf } from '#api/resources/meta.ts';
import { containers, pods, snapshots } from '#api/resources/resource-types.ts';
import { hasReason, StatusError } from '#api/resources/status.ts';
import type { Pod } from '#api/resources/types.ts';
import {
  type Outcome,
  reconcileKeys,
  requeueAfter,
  settled,
} from '#controller/runtime/reconcile.ts';
import { selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { deleteObject, inTerminatingNamespace, writeStatus } from '#controller/runtime/write.ts';
import { failedStatus, imagePath, plan, scheduledStatus, takenStatus } from './plan.ts';
import { schedule } from './schedule.ts';
import type { Committed, Snapshot, SnapshotStatus } from './types.ts';

/** A container that is not there yet is asked for again after this long. */
const retryMs = 2_000;

interface Placed {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly node?: string };
}

class Snapshots {
  readonly #world: World;
  readonly snapshots;

  constructor(world: World) {
    this.#world = world;
    this.snapshots = world.cache<Snapshot>(snapshots);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const snapshot = this.snapshots.get(key);
    if (snapshot === undefined) return settled();
    const { clock } = this.#world;
    const step = plan(snapshot, clock.now());
    switch (step.type) {
      case 'nothing':
        return settled();
      case 'wait':
        return requeueAfter(step.ms);
      case 'expire':
        await this.#remove(snapshot, signal);
        return settled('expire');
      case 'schedule':
        return this.#schedule(snapshot, signal);
      case 'refuse': {
        const failed = failedStatus(snapshot, { message: step.why, final: true }, clock.now());
        return this.#tell(snapshot, failed, signal);
      }
      case 'commit':
        return this.#take(snapshot, step.path, signal);
    }
  }

  /** What takes its image away is asked first: a node that does not answer holds the document back. */
  async #remove(snapshot: Snapshot, signal: AbortSignal): Promise<void> {
    const path = imagePath(snapshot);
    if (path !== undefined) {
      await this.#world.client
        .request('DELETE', path, undefined, signal)
        .catch((error: unknown) => {
          if (!hasReason(error, 'NotFound')) throw error;
        });
    }
    await deleteObject(this.#world.collection<Snapshot>(snapshots), snapshot, signal);
  }

  async #schedule(parent: Snapshot, signal: AbortSignal): Promise<Outcome> {
    const { uid, namespace } = parent.metadata;
    const children = [...this.snapshots.all()].filter(
      (one) => one.metadata.namespace === namespace && controllerOf(one)?.uid === uid,
    );
    const nowMs = this.#world.clock.now();
    const { create, remove, waitMs } = schedule(parent, children, nowMs);
    await this.#tell(parent, scheduledStatus(parent, nowMs), signal);
    for (const old of remove) await this.#remove(old, signal);
    if (create === undefined) return requeueAfter(waitMs);
    try {
      this.snapshots.put(await this.#world.collection<Snapshot>(snapshots).create(create, signal));
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists') && !inTerminatingNamespace(error)) throw error;
    }
    return requeueAfter(waitMs, 'create snapshot');
  }

  async #take(snapshot: Snapshot, path: string, signal: AbortSignal): Promise<Outcome> {
    const { client, clock } = this.#world;
    try {
      const made = (await client.request('POST', path, undefined, signal)) as Committed;
      const node = await this.#nodeOf(snapshot, signal);
      return await this.#tell(snapshot, takenStatus(snapshot, made, node, clock.now()), signal);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      // What is wrong with the request stays wrong; what is not there may come.
      const final = error.code === 400 || error.code === 403 || error.code === 422;
      const failed = failedStatus(snapshot, { message: error.message, final }, clock.now());
      await this.#tell(snapshot, failed, signal);
      return final ? settled() : requeueAfter(retryMs);
    }
  }

  async #nodeOf({ metadata, spec }: Snapshot, signal: AbortSignal): Promise<string> {
    const { namespace = 'default' } = metadata;
    const { container, pod } = spec.source;
    if (container !== undefined) {
      const at = { namespace, name: container };
      const found: Placed = await this.#world.collection(containers).get(at, signal);
      return found.status?.node ?? '';
    }
    const at = { namespace, name: pod ?? '' };
    return (await this.#world.collection<Pod>(pods).get(at, signal)).spec?.nodeName ?? '';
  }

  async #tell(snapshot: Snapshot, status: SnapshotStatus, signal: AbortSignal): Promise<Outcome> {
    const collection = this.#world.collection<Snapshot>(snapshots);
    await writeStatus(collection, this.snapshots, snapshot, status, signal);
    return settled('status');
  }
}

export const snapshotController: Controller = {
  name: 'snapshot',
  run: (world) => {
    const all = new Snapshots(world);
    const keys$ = whenSynced([all.snapshots], selfKeys(all.snapshots.changes));
    return reconcileKeys(keys$, (key, signal) => all.reconcile(key, signal), {
      concurrency: 4,
      clock: world.clock,
    });
  },
};
