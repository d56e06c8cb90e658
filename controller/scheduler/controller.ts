/** Gives every pod without a node one: at once when it comes, again when room is made. */

import type { Observable } from 'rxjs/internal/Observable';
import { merge } from 'rxjs/internal/observable/merge';
import { mergeMap } from 'rxjs/internal/operators/mergeMap';
import { Subject } from 'rxjs/internal/Subject';
import { keyOf } from '#api/resources/meta.ts';
import { pods } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { PersistentVolumeClaim, Pod } from '#api/resources/types.ts';
import type { Cache, Change } from '#controller/runtime/cache.ts';
import {
  type Outcome,
  type Reconciled,
  reconcileKeys,
  requeueAfter,
  settled,
} from '#controller/runtime/reconcile.ts';
import { whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { filter } from './filters.ts';
import { Performer } from './perform.ts';
import { isPending, type Placement, plan } from './plan.ts';
import { Usage } from './usage.ts';
import { podVolumes } from './volumes.ts';
import { Waiting } from './waiting.ts';
import { WorldFacts } from './world-facts.ts';

/** Bindings under way at once: each is one short request. */
const concurrency = 64;
/** A pod that found no room looks again by itself (kube-scheduler: 5 minutes). */
const againMs = 300_000;
/** A pod whose volume could not be made on its node looks for another after this. */
const elsewhereMs = 1_000;

/** A pod that has its place, but not yet its volumes there. */
interface Making {
  readonly node: string;
  /** Uids of the claims that were told where to be. */
  readonly asked: Set<string>;
}

class Scheduler {
  readonly #world: World;
  readonly #pods: Cache<Pod>;
  readonly #facts: WorldFacts;
  readonly #performer: Performer;
  readonly #usage = new Usage();
  readonly #waiting: Waiting;
  readonly #making = new Map<string, Making>();
  readonly #again = new Subject<string>();
  /** Where the next look at a large cluster begins. */
  #from = 0;

  constructor(world: World) {
    this.#world = world;
    this.#pods = world.cache<Pod>(pods);
    this.#facts = new WorldFacts(world);
    this.#performer = new Performer(world);
    this.#waiting = new Waiting(this.#pods, (pod, node) => this.#couldTake(pod, node));
    for (const pod of this.#pods.all()) this.#take({ key: keyOf(pod), after: pod });
  }

  run(): Observable<Reconciled<string>> {
    const { nodes, claims, persistentVolumes, classes, caches } = this.#facts;
    const waiting = this.#waiting;
    const keys = merge(
      [...this.#pods.all()].filter(isPending).map(keyOf),
      this.#pods.changes.pipe(mergeMap((change) => this.#podChanged(change))),
      nodes.changes.pipe(mergeMap((change) => waiting.nodeChanged(change))),
      claims.changes.pipe(mergeMap((change) => waiting.claimChanged(change))),
      persistentVolumes.changes.pipe(mergeMap((change) => waiting.volumeChanged(change))),
      classes.changes.pipe(mergeMap(() => waiting.classChanged())),
      this.#again,
    );
    const keys$ = whenSynced([this.#pods, ...caches], keys);
    const { clock } = this.#world;
    return reconcileKeys(keys$, (key, signal) => this.#schedule(key, signal), {
      concurrency,
      clock,
    });
  }

  #couldTake(pod: Pod, name: string): boolean {
    const node = this.#facts.node(name);
    if (node === undefined) return false;
    const { nodes } = this.#facts;
    const view = { pod, nodes: nodes.all(), usage: this.#usage, facts: this.#facts };
    const { blocked, check } = filter(view);
    return blocked === undefined && check(node).length === 0;
  }

  #take(change: Change<Pod>): void {
    this.#usage.apply(change);
    this.#facts.nominations.apply(change);
  }

  #podChanged(change: Change<Pod>): Iterable<string> {
    this.#take(change);
    const { key, after } = change;
    const others = this.#waiting.podChanged(change);
    const own = this.#making.has(key) || (after !== undefined && isPending(after));
    return own ? [key, ...others] : others;
  }

  async #schedule(key: string, signal: AbortSignal): Promise<Outcome> {
    const pod = this.#pods.get(key);
    if (pod === undefined || !isPending(pod)) {
      this.#waiting.delete(key);
      this.#giveUp(key, pod);
      return settled();
    }
    const making = this.#making.get(key);
    if (making !== undefined) return this.#whenMade(key, pod, making, signal);
    if (this.#usage.isPlaced(pod)) return settled();
    const { nodes } = this.#facts;
    const placement = plan(pod, nodes.all(), this.#usage, this.#facts, this.#from);
    if (placement.type === 'bind') {
      this.#from = (this.#from + placement.looked) % Math.max(1, nodes.size);
      const waited = this.#waiting.delete(key);
      const outcome = this.#place(key, pod, placement.node, signal);
      // There may be room left for others that were not woken.
      if (waited) for (const next of this.#waiting.roomOn(placement.node)) this.#again.next(next);
      return outcome;
    }
    this.#waiting.add(key);
    return requeueAfter(againMs, ...(await this.#refuse(pod, placement, signal)));
  }

  /** The pod takes its share of the node; it is bound when its volumes are there too. */
  #place(key: string, pod: Pod, node: string, signal: AbortSignal): Promise<Outcome> {
    const { waiting } = podVolumes(pod, this.#usage, this.#facts);
    this.#usage.assume(pod, node);
    if (waiting.length === 0) return this.#bind(pod, node, signal);
    const making = { node, asked: new Set<string>() };
    this.#making.set(key, making);
    return this.#whenMade(key, pod, making, signal);
  }

  async #whenMade(
    key: string,
    pod: Pod,
    { node, asked }: Making,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { waiting, blocked } = podVolumes(pod, this.#usage, this.#facts);
    if (blocked !== undefined || waiting.some((claim) => isRefused(claim, asked))) {
      this.#giveUp(key, pod);
      return requeueAfter(elsewhereMs, 'look for another node');
    }
    if (waiting.length === 0) {
      this.#making.delete(key);
      return this.#bind(pod, node, signal);
    }
    for (const claim of waiting) {
      await this.#performer.selectNode(claim, node, signal);
      asked.add(claim.metadata.uid ?? '');
    }
    return settled(`wait for ${waiting.length} volumes on ${node}`);
  }

  /** The place that was kept while volumes were made is free again. */
  #giveUp(key: string, pod: Pod | undefined): void {
    if (this.#making.delete(key) && pod !== undefined && !pod.spec?.nodeName) {
      this.#usage.forget(pod);
    }
  }

  async #bind(pod: Pod, node: string, signal: AbortSignal): Promise<Outcome> {
    try {
      await this.#performer.bind(pod, node, signal);
    } catch (error) {
      if (this.#pods.get(keyOf(pod))?.spec?.nodeName === undefined) this.#usage.forget(pod);
      // Gone, or bound by somebody else: the watch will tell.
      if (hasReason(error, 'NotFound') || hasReason(error, 'Conflict')) return settled();
      throw error;
    }
    return settled(`bind to ${node}`);
  }

  /** First the pod is promised the node, so that nobody takes the room that is made; then room is made. */
  async #refuse(
    pod: Pod,
    placement: Exclude<Placement, { type: 'bind' }>,
    signal: AbortSignal,
  ): Promise<string[]> {
    const { message } = placement;
    if (placement.type === 'preempt') {
      await this.#performer.refuse(pod, message, placement.node, signal);
      await this.#performer.evict(pod, placement, signal);
      return [`drive ${placement.victims.length} pods from ${placement.node}`];
    }
    const promised = placement.promised ? (pod.status?.nominatedNodeName ?? '') : '';
    const told = await this.#performer.refuse(pod, message, promised, signal);
    return told ? ['no node fits'] : [];
  }
}

/** Whoever makes volumes takes the node's name away again when it cannot make this one there. */
const isRefused = ({ metadata }: PersistentVolumeClaim, asked: ReadonlySet<string>): boolean =>
  asked.has(metadata.uid ?? '') &&
  metadata.annotations?.['volume.kubernetes.io/selected-node'] === undefined;

export const schedulerController: Controller = {
  name: 'scheduler',
  run: (world) => new Scheduler(world).run(),
};
