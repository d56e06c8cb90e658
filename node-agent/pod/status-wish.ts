/** Conditions of a Container's Pod: how far it is as the document wants it now. Pure. */
import type { PodCondition } from '#api/resources/types.ts';
import { latest, type PodView } from './view.ts';

/** On the Pod of a Container: its processes stand still; it has the limits of the generation told. */
export const pausedCondition = 'bayplan.dev/Paused';
export const healthCondition = 'bayplan.dev/Health';
export const limitedCondition = 'bayplan.dev/Limited';

interface Verdict {
  readonly type: string;
  readonly ok: boolean | 'unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly generation?: number;
}

/** What a Container document is told: said only once there was something to say. */
export function wishVerdicts(view: PodView, before: readonly PodCondition[]): Verdict[] {
  if (view.wish === undefined || view.wish === 'unknown') return [];
  const said = (type: string) => before.some((one) => one.type === type);
  const { paused, generation } = view.wish;
  const attempts = [...view.containers.values()].map(latest);
  const frozen = attempts.some((one) => one?.state.phase === 'running' && one.state.paused);
  const verdicts: Verdict[] = [];
  if ((paused && frozen) || said(pausedCondition)) {
    verdicts.push({ type: pausedCondition, ok: paused && frozen });
  }
  verdicts.push(...healthVerdict(view));
  const { limits } = view;
  if (limits?.generation === generation && (generation > 1 || limits.problem !== undefined)) {
    const { problem } = limits;
    const why = problem === undefined ? {} : { reason: 'Refused', message: problem };
    verdicts.push({ type: limitedCondition, ok: problem === undefined, generation, ...why });
  }
  return verdicts;
}

/** Of a container with a health check: well, not well, or nobody knows yet. */
function healthVerdict({ pod, containers }: PodView): Verdict[] {
  const main = pod?.spec?.containers[0];
  if (main?.readinessProbe === undefined) return [];
  const known = containers.get(main.name);
  const attempt = known === undefined ? undefined : latest(known);
  if (attempt?.state.phase !== 'running') return [];
  const health = known?.health?.id === attempt.id ? known.health : undefined;
  if (health?.ready === true) return [{ type: healthCondition, ok: true, reason: 'Healthy' }];
  const failing = health?.failing === true;
  const reason = failing ? 'Unhealthy' : 'Starting';
  return [{ type: healthCondition, ok: failing ? false : 'unknown', reason }];
}
