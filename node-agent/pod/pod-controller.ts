/**
 * The agent's loop: pods bound to this node and changes of their containers become keys, a key is planned and performed
 * until nothing is left to do.
 */
import { Subject } from 'rxjs/internal/Subject';
import { Subscription } from 'rxjs/internal/Subscription';
import type { Pod } from '#api/resources/types.ts';
import { logRun } from '#controller/runtime/log.ts';
import {
  type Outcome,
  reconcileKeys,
  requeueAfter,
  settled,
} from '#controller/runtime/reconcile.ts';
import { type WatchEvent, watchCollection } from '#controller/runtime/watch.ts';
import type { ContainerRecord, SandboxSpec } from '#node-agent/container/runtime.ts';
import { allocatedPod } from './allocate.ts';
import { tellBackOffs } from './back-off-events.ts';
import { keeperOf } from './kept-containers.ts';
import { identityOf, type PodIdentity } from './labels.ts';
import { collectLastWords } from './last-words.ts';
import { MemoryKillEvents } from './memory-kills.ts';
import { perform } from './perform.ts';
import { type Action, plan } from './plan.ts';
import { PodState } from './pod-state.ts';
import { Prober } from './prober.ts';
import { podStatus, statusBase } from './status.ts';
import { wantedPod } from './wanted-pod.ts';
import type { World } from './world.ts';

/** Pods worked on at once. Starting is mostly waiting, but more would only slow each other down. */
const concurrency = 16;
/** A run that takes longer than this says so in the API meanwhile. */
const interimMs = 100;
const lastActions: ReadonlySet<Action['type']> = new Set(['tear-down', 'delete-pod']);
/** Plans of one run; the rest comes with the next, so that one pod cannot keep a place for ever. */
const roundsMax = 16;
/** Retries sooner than this are not worth a warning. */
const quietMs = 500;

/** What stood when the agent started. */
export interface Adopted {
  readonly sandboxes: readonly SandboxSpec[];
  readonly containers: readonly ContainerRecord[];
}

export class PodController {
  readonly #world: World;
  readonly #pods = new Map<string, Pod>();
  readonly #states: Map<string, PodState>;
  readonly #keys = new Subject<string>();
  #listed = false;
  #draining = false;

  readonly #prober: Prober;
  readonly #memoryKills: MemoryKillEvents;

  constructor(world: World) {
    this.#world = world;
    this.#states = world.states;
    this.#prober = new Prober(world);
    this.#memoryKills = new MemoryKillEvents(world.events);
  }

  /** Takes over what an earlier life of the agent left. `onDisk`: pods with a directory or a log. Call first. */
  adopt(adopted: Adopted, onDisk: readonly PodIdentity[]): void {
    for (const sandbox of adopted.sandboxes) {
      const identity = identityOf(sandbox);
      if (identity === undefined) continue;
      const state = this.#state(identity.uid, () => identity);
      state.sandboxId = sandbox.id;
      state.standing = true;
    }
    for (const record of adopted.containers) this.#applyRecord(record);
    for (const identity of onDisk) this.#state(identity.uid, () => identity).standing = true;
    for (const uid of this.#world.network.attached()) {
      this.#state(uid, () => ({ uid, namespace: '', name: '' })).standing = true;
    }
  }

  /** Follows pods and containers; unsubscribing stops the work, not the containers. */
  start(): Subscription {
    const { pods, node, runtime, log, volumes, pulls, kept } = this.#world;
    kept.wishes.onChange = (uid) => this.#wished(uid);
    const work = new Subscription(() => this.#prober.close());
    const reconcile = (uid: string) => this.#reconcile(uid);
    const runs = reconcileKeys(this.#keys, reconcile, { concurrency });
    work.add(runs.subscribe((run) => logRun(log, 'pods', run)));
    work.add(runtime.changes.subscribe((record) => this.#changed(record)));
    work.add(volumes.follow((uid) => this.retry(uid)));
    work.add(pulls.ended.subscribe((uid) => this.#keys.next(uid)));
    const events = watchCollection(pods, {
      listOptions: { fieldSelector: `spec.nodeName=${node.nodeName}` },
      onProblem: (error, retryMs) => {
        // An API server that is being started beside us is nothing to warn of.
        const tell = retryMs < quietMs ? log.debug : log.warn;
        tell('pods not watched', { error, retryMs });
      },
    });
    work.add(events.subscribe((event) => this.#seen(event)));
    return work;
  }

  /** A Container document wants something else of its running pod. */
  #wished(keeper: string): void {
    for (const [uid, pod] of this.#pods) if (keeperOf(pod) === keeper) this.#keys.next(uid);
  }

  /** What the pod waits for may be there now. */
  retry(uid: string): void {
    this.#states.get(uid)?.retryNow();
    this.#keys.next(uid);
  }

  /** An image was loaded or tagged: whoever waits for one tries again. */
  retryAll(): void {
    for (const uid of this.#states.keys()) this.retry(uid);
  }

  /** From now on nothing is started, stopped or written any more: the node is being taken down. */
  drain(): readonly PodState[] {
    this.#draining = true;
    return [...this.#states.values()];
  }

  /** The pods of this node as last seen. */
  pods(): readonly Pod[] {
    return [...this.#pods.values()];
  }

  /** The pod's state by its name, for logs and exec; the newest where several had the name. */
  find(namespace: string, name: string): { pod: Pod; state: PodState } | undefined {
    for (const state of this.states(namespace, name)) {
      const pod = this.#pods.get(state.identity.uid);
      if (pod !== undefined) return { pod, state };
    }
    return undefined;
  }

  /** All that is still here of pods of this name, those the API has forgotten among them. */
  states(namespace: string, name: string): readonly PodState[] {
    const isMeant = ({ identity: of }: PodState) => of.namespace === namespace && of.name === name;
    return [...this.#states.values()].filter(isMeant);
  }

  #state(uid: string, identify: () => PodState['identity']): PodState {
    let state = this.#states.get(uid);
    if (state === undefined) {
      state = new PodState(identify(), this.#world.now());
      state.wake = () => this.#keys.next(uid);
      this.#states.set(uid, state);
    }
    return state;
  }

  #applyRecord(record: ContainerRecord): string | undefined {
    const identity = identityOf(record.spec);
    if (identity === undefined) return undefined;
    this.#state(identity.uid, () => identity).apply(record);
    return identity.uid;
  }

  /** A change of a pod that was erased meanwhile is nobody's. */
  #changed(record: ContainerRecord): void {
    const uid = identityOf(record.spec)?.uid;
    if (uid === undefined || !this.#states.has(uid)) return;
    this.#applyRecord(record);
    this.#memoryKills.tell(record, this.#pods.get(uid));
    this.#keys.next(uid);
  }

  #seen(event: WatchEvent<Pod>): void {
    if (event.type === 'replaced') {
      this.#listed = true;
      this.#pods.clear();
      for (const pod of event.objects) this.#take(pod);
      for (const uid of new Set([...this.#pods.keys(), ...this.#states.keys()]))
        this.#keys.next(uid);
      return;
    }
    const uid = event.object.metadata.uid ?? '';
    if (event.type === 'deleted') this.#pods.delete(uid);
    else this.#take(event.object);
    this.#keys.next(uid);
  }

  #take(pod: Pod): void {
    this.#pods.set(pod.metadata.uid ?? '', pod);
    this.#world.volumes.update(pod);
  }

  async #reconcile(uid: string): Promise<Outcome> {
    if (this.#draining || !this.#listed) return settled();
    const state = this.#known(uid);
    if (state === undefined) return settled();
    const done: string[] = [];
    for (let round = 0; round < roundsMax && !this.#draining; round += 1) {
      const wanted = await wantedPod(this.#world, state, this.#pods.get(uid));
      const pod = allocatedPod(this.#world, state, wanted);
      await collectLastWords(this.#world, state, pod);
      this.#prober.sync(state, pod);
      const { actions, wakeAt } = plan(state.view(pod, this.#world.now()));
      // An end is told as if all were taken down: whoever waits for it need not wait for that.
      if (actions.every(({ type }) => lastActions.has(type))) this.#report(state, pod, actions);
      if (actions.length === 0) {
        if (wakeAt === undefined) return settled(...done);
        return requeueAfter(Math.max(1, wakeAt - this.#world.now()), ...done);
      }
      await this.#perform(state, pod, actions);
      done.push(...actions.map(({ type }) => type));
      if (actions.some(({ type }) => type === 'erase')) {
        this.#states.delete(uid);
        return settled(...done);
      }
    }
    return requeueAfter(1, ...done);
  }

  /** The pod's state; made when the pod is seen for the first time in this life of the agent. */
  #known(uid: string): PodState | undefined {
    const pod = this.#pods.get(uid);
    if (pod === undefined) return this.#states.get(uid);
    const { namespace = '', name } = pod.metadata;
    const identity = { uid, namespace, name };
    const state = this.#state(uid, () => identity);
    // A state made from a directory alone knows no name.
    state.identity = identity;
    state.recover(pod);
    return state;
  }

  #report(state: PodState, pod: Pod | undefined, next: readonly Action[]): void {
    if (pod === undefined) return;
    const base = { ...pod, status: statusBase(pod.status, state.status) };
    const isLeft = next.some(({ type }) => type === 'tear-down');
    const view = { ...state.view(base, this.#world.now()), ...(isLeft && { sandboxReady: false }) };
    state.status = podStatus(view, base, this.#world.node);
    tellBackOffs(this.#world.events, pod, { before: base.status, after: state.status });
    this.#world.status.offer(pod, state.status);
  }

  async #perform(state: PodState, pod: Pod | undefined, actions: readonly Action[]): Promise<void> {
    const interim = setTimeout(() => this.#report(state, pod, actions), interimMs);
    try {
      await perform(this.#world, state, pod, actions);
    } finally {
      clearTimeout(interim);
    }
  }
}
