/** Keeps the size of workloads to what their pods use: looks every 15 seconds, as Kubernetes does. */
import { mergeMap } from 'rxjs/internal/operators/mergeMap';
import { equalJson } from '#api/resources/json.ts';
import { horizontalPodAutoscalers, pods } from '#api/resources/resource-types.ts';
import { matchesLabels, parseLabelSelector } from '#api/resources/selector.ts';
import { StatusError } from '#api/resources/status.ts';
import type { HorizontalPodAutoscaler, Pod } from '#api/resources/types.ts';
import type { Cache, Change } from '#controller/runtime/cache.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import { type Condition, withCondition } from '#controller/runtime/conditions.ts';
import { namespaceOf } from '#controller/runtime/lookup.ts';
import {
  type Outcome,
  reconcileKeys,
  requeueAfter,
  settled,
} from '#controller/runtime/reconcile.ts';
import { whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { defined, writeStatus } from '#controller/runtime/write.ts';
import type { Access, Scale } from './access.ts';
import { type Memory, remembered } from './behaviour.ts';
import { type Plan, plan } from './plan.ts';

/** kube-controller-manager's `--horizontal-pod-autoscaler-sync-period`. */
const lookMs = 15_000;

type Status = NonNullable<HorizontalPodAutoscaler['status']>;
const nothing: Memory = { recommendations: [], ups: [], downs: [] };

class Autoscaler {
  readonly #world: World;
  readonly #access: Access;
  readonly autoscalers: Cache<HorizontalPodAutoscaler>;
  readonly pods: Cache<Pod>;
  /** By uid. */
  readonly #memory = new Map<string, Memory>();

  constructor(world: World, access: Access) {
    this.#world = world;
    this.#access = access;
    this.autoscalers = world.cache<HorizontalPodAutoscaler>(horizontalPodAutoscalers);
    this.pods = world.cache<Pod>(pods).addIndex('namespace', namespaceOf);
    this.autoscalers.changes.subscribe(({ before, after }) => {
      if (after === undefined) this.#memory.delete(before?.metadata.uid ?? '');
    });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const autoscaler = this.autoscalers.get(key);
    if (autoscaler === undefined || autoscaler.metadata.deletionTimestamp !== undefined) {
      return settled();
    }
    const { namespace = '' } = autoscaler.metadata;
    const target = autoscaler.spec?.scaleTargetRef;
    if (target === undefined) return settled();
    let scale: Scale;
    try {
      scale = await this.#access.scale(namespace, target, signal);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      return this.#unable(
        autoscaler,
        'FailedGetScale',
        `unable to get the target's current scale: ${error.message}`,
        signal,
      );
    }
    const wanted = await this.#plan(autoscaler, scale, signal);
    return this.#perform(autoscaler, scale, wanted, signal);
  }

  async #plan(
    autoscaler: HorizontalPodAutoscaler,
    scale: Scale,
    signal: AbortSignal,
  ): Promise<Plan> {
    const { namespace = '', uid = '' } = autoscaler.metadata;
    const selector = scale.status?.selector ?? '';
    const requirements = parseLabelSelector(selector);
    const selected = this.pods
      .byIndex('namespace', namespace)
      .filter(({ metadata }) => selector !== '' && matchesLabels(requirements, metadata.labels));
    const uses =
      selector === ''
        ? new Error('selector is required')
        : await this.#access.metrics(namespace, selector, signal).catch((error: unknown) => {
            if (error instanceof StatusError) return error;
            throw error;
          });
    const nowMs = this.#world.clock.now();
    const memory = this.#memory.get(uid) ?? nothing;
    return plan({ autoscaler, scale, pods: selected, uses, memory, nowMs });
  }

  /** First the size, then the status that tells of it. */
  async #perform(
    autoscaler: HorizontalPodAutoscaler,
    scale: Scale,
    wanted: Plan,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { namespace = '', uid = '' } = autoscaler.metadata;
    const { clock, events } = this.#world;
    const current = scale.spec?.replicas ?? 0;
    const { replicas, failure, memory } = wanted;
    if (failure !== undefined) {
      events.record(autoscaler, { type: 'Warning', ...failure });
    }
    this.#memory.set(uid, memory);
    let { conditions } = wanted;
    if (replicas !== current) {
      const target = autoscaler.spec?.scaleTargetRef;
      if (target === undefined) return settled();
      try {
        await this.#access.setScale(namespace, target, { scale, replicas }, signal);
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        return this.#unable(
          autoscaler,
          'FailedUpdateScale',
          `unable to update the target scale: ${error.message}`,
          signal,
        );
      }
      const past = { value: Math.abs(replicas - current), timeMs: clock.now() };
      const side = replicas > current ? 'ups' : 'downs';
      this.#memory.set(uid, { ...memory, [side]: remembered(memory[side], past) });
      const message = `New size: ${replicas}; reason: ${wanted.reason}`;
      events.record(autoscaler, { type: 'Normal', reason: 'SuccessfulRescale', message });
      const done = `the HPA controller was able to update the target scale to ${replicas}`;
      const condition = {
        type: 'AbleToScale',
        status: 'True',
        reason: 'SucceededRescale',
        message: done,
      };
      conditions = withCondition(conditions, condition, timestamp(clock.now()));
    }
    const wrote = await this.#write(
      autoscaler,
      {
        ...defined({
          lastScaleTime:
            replicas === current ? autoscaler.status?.lastScaleTime : timestamp(clock.now()),
        }),
        currentReplicas: current,
        desiredReplicas: replicas,
        ...(wanted.currentMetrics.length === 0
          ? {}
          : { currentMetrics: [...wanted.currentMetrics] }),
        conditions: [...conditions] as NonNullable<Status['conditions']>,
      },
      signal,
    );
    const scaled = replicas === current ? [] : [`scale from ${current} to ${replicas}`];
    return requeueAfter(lookMs, ...scaled, ...(wrote ? ['status'] : []));
  }

  async #unable(
    autoscaler: HorizontalPodAutoscaler,
    reason: string,
    why: string,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { clock, events } = this.#world;
    events.record(autoscaler, { type: 'Warning', reason, message: why });
    const message = `the HPA controller was ${why}`;
    const condition = { type: 'AbleToScale', status: 'False', reason, message };
    const held = (autoscaler.status?.conditions ?? []) as readonly Condition[];
    const conditions = withCondition(held, condition, timestamp(clock.now()));
    const before = autoscaler.status ?? ({ desiredReplicas: 0 } as Status);
    await this.#write(autoscaler, { ...before, conditions: [...conditions] as never }, signal);
    return requeueAfter(lookMs, reason);
  }

  #write(
    autoscaler: HorizontalPodAutoscaler,
    status: Status,
    signal: AbortSignal,
  ): Promise<boolean> {
    const collection = this.#world.collection<HorizontalPodAutoscaler>(horizontalPodAutoscalers);
    const { generation } = autoscaler.metadata;
    const full = { ...status, ...defined({ observedGeneration: generation }) };
    return writeStatus(collection, this.autoscalers, autoscaler, full, signal);
  }
}

/** Our own status does not bring the next look nearer. */
function asked({ key, before, after }: Change<HorizontalPodAutoscaler>): string[] {
  const same = before !== undefined && after !== undefined && equalJson(before.spec, after.spec);
  return same ? [] : [key];
}

/** Horizontal pod autoscalers, with what they read and write beside the watched objects. */
export const autoscalerController = (access: Access): Controller => ({
  name: 'horizontalpodautoscaler',
  run: (world) => {
    const all = new Autoscaler(world, access);
    const keys$ = whenSynced(
      [all.autoscalers, all.pods],
      all.autoscalers.changes.pipe(mergeMap(asked)),
    );
    return reconcileKeys(keys$, (key, signal) => all.reconcile(key, signal), {
      clock: world.clock,
    });
  },
});
