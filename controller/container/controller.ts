/** Makes each Container a Pod of its name, and tells how it fares as Docker would. */

import { filter } from 'rxjs/internal/operators/filter';
import { controllerOf, keyOf } from '#api/resources/meta.ts';
import { containers, pods } from '#api/resources/resource-types.ts';
import { hasReason, StatusError } from '#api/resources/status.ts';
import type { Pod } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { conditionOf } from '#controller/runtime/conditions.ts';
import { Leaving } from '#controller/runtime/leaving.ts';
import {
  type Outcome,
  reconcileKeys,
  requeueAfter,
  settled,
  Terminal,
} from '#controller/runtime/reconcile.ts';
import { mappedKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { deleteObject, inTerminatingNamespace, writeStatus } from '#controller/runtime/write.ts';
import { HostPorts } from './host-ports.ts';
import { type Plan, plan } from './plan.ts';
import { type Peer, peerKeys } from './sharing.ts';
import { type Sync, withSync } from './status.ts';
import type { Container, ContainerStatus } from './types.ts';

/** Containers by the keys of those whose namespaces they share. */
const sharers = 'sharers';
/** A Pod that takes longer than this to start is told of. */
const onItsWayMs = 200;

class Containers {
  readonly #world: World;
  readonly containers: Cache<Container>;
  readonly pods: Cache<Pod>;
  readonly #leaving: Leaving<Pod>;
  readonly #hostPorts: HostPorts;
  /** Pods that went, by key, until their end is told: the watch shows it only once. */
  readonly #gone = new Map<string, Pod>();

  /** Since when each container's new Pod is on its way. */
  readonly #since = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
    this.containers = world.cache<Container>(containers).addIndex(sharers, peerKeys);
    this.pods = world.cache<Pod>(pods);
    this.#leaving = new Leaving(this.pods);
    this.#hostPorts = new HostPorts(this.pods, this.containers);
    this.pods.changes.subscribe(({ key, before, after }) => {
      const wentAway = before !== undefined && before.metadata.uid !== after?.metadata.uid;
      if (wentAway && controllerOf(before)?.kind === 'Container') this.#gone.set(key, before);
    });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const container = this.containers.get(key);
    const held = this.pods.get(key);
    const [pod] = held === undefined ? [] : this.#leaving.shown([held]);
    if (container === undefined || held !== undefined) this.#hostPorts.settle(key);
    const last = this.#gone.get(key);
    const isOurs =
      controllerOf(last ?? { metadata: { name: '' } })?.uid === container?.metadata.uid;
    const gone = pod === undefined && isOurs ? last : undefined;
    if (container === undefined) {
      this.#gone.delete(key);
      this.#since.delete(key);
      return settled();
    }
    const nowMs = this.#world.clock.now();
    const outcome = await this.#perform(
      container,
      plan({
        container,
        pod,
        gone,
        nowMs,
        peerOf: this.#peers(key),
        portTaken: this.#hostPorts.takenFor(key),
      }),
      signal,
    );
    if (this.#gone.get(key) === last) this.#gone.delete(key);
    return outcome;
  }

  #peers(key: string): (name: string) => Peer {
    const place = key.slice(0, key.lastIndexOf('/') + 1);
    return (name) => ({
      container: this.containers.get(`${place}${name}`),
      pod: this.pods.get(`${place}${name}`),
    });
  }

  /** Those that share namespaces of the container with this key. */
  readonly sharersOf = ({ metadata }: Container | Pod): string[] =>
    this.containers.byIndex(sharers, keyOf({ metadata })).map(keyOf);

  async #perform(container: Container, wanted: Plan, signal: AbortSignal): Promise<Outcome> {
    // The Pod comes back as a change, and with it the run that tells of it: its start does not wait for that.
    if (wanted.create !== undefined) return this.#create(container, wanted, wanted.create, signal);
    const laterMs = this.#onItsWay(container, wanted);
    if (laterMs > 0) return requeueAfter(laterMs);
    const actions: string[] = [];
    if (await this.#tell(container, wanted.status, signal)) actions.push('status');
    if (wanted.remove !== undefined) {
      await deleteObject(this.#world.collection<Pod>(pods), wanted.remove, signal);
      this.#leaving.add(wanted.remove);
      actions.push('delete pod');
    }
    if (wanted.removeSelf === true) {
      await deleteObject(this.#world.collection<Container>(containers), container, signal);
      actions.push('remove');
    }
    return wanted.againMs === undefined ? settled(...actions) : requeueAfter(wanted.againMs);
  }

  /**
   * How long to wait with telling that a new Pod is on its way to running: what starts it is more urgent, and when it
   * runs at once there is nothing to tell before.
   */
  #onItsWay({ metadata, status }: Container, wanted: Plan): number {
    const key = keyOf({ metadata });
    const acts = wanted.remove !== undefined || wanted.removeSelf === true;
    const reason = conditionOf(wanted.status.conditions, 'Ready')?.reason;
    if (
      acts ||
      wanted.status.phase !== 'created' ||
      status?.phase === 'running' ||
      reason !== 'Created'
    ) {
      this.#since.delete(key);
      return 0;
    }
    const nowMs = this.#world.clock.now();
    const sinceMs = this.#since.get(key) ?? nowMs;
    this.#since.set(key, sinceMs);
    return sinceMs + onItsWayMs - nowMs;
  }

  async #create(
    container: Container,
    { status }: Plan,
    pod: Pod,
    signal: AbortSignal,
  ): Promise<Outcome> {
    this.#hostPorts.promise(pod);
    try {
      this.pods.put(await this.#world.collection<Pod>(pods).create(pod, signal));
    } catch (error) {
      // Ours, whose reply was lost, or another's: the watch brings it and the next plan tells.
      if (hasReason(error, 'AlreadyExists')) return settled('found pod');
      if (inTerminatingNamespace(error)) return settled();
      if (error instanceof StatusError && error.code < 500) {
        const sync: Sync = { status: 'False', reason: 'PodRefused', message: error.message };
        const nowMs = this.#world.clock.now();
        await this.#tell(container, withSync(status, sync, nowMs), signal);
      }
      throw hasReason(error, 'Invalid') ? new Terminal(error.message, { cause: error }) : error;
    }
    return settled('create pod');
  }

  #tell(container: Container, status: ContainerStatus, signal: AbortSignal): Promise<boolean> {
    const collection = this.#world.collection<Container>(containers);
    return writeStatus(collection, this.containers, container, status, signal);
  }
}

export const containerController: Controller = {
  name: 'container',
  run: (world) => {
    const all = new Containers(world);
    const ofContainers = filter((key: string) => all.containers.get(key) !== undefined);
    const keys$ = whenSynced(
      [all.containers, all.pods],
      selfKeys(all.containers.changes),
      // A Pod has its Container's key.
      selfKeys(all.pods.changes).pipe(ofContainers),
      mappedKeys(all.containers.changes, all.sharersOf),
      mappedKeys(all.pods.changes, all.sharersOf),
    );
    const { clock } = world;
    return reconcileKeys(keys$, (key, signal) => all.reconcile(key, signal), {
      concurrency: 32,
      clock,
    });
  },
};
