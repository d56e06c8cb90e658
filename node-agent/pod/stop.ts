/** Ends containers: preStop hook, stop signal, SIGKILL. */
import { constants } from 'node:os';
import type { Pod } from '#api/resources/types.ts';
import { handle } from './handlers.ts';
import { stopSignalOf } from './labels.ts';
import { containerNamed } from './pod-containers.ts';
import type { PodState } from './pod-state.ts';
import type { World } from './world.ts';

/** Linux's first real-time signal as glibc and musl hand it out; an image may ask for `SIGRTMIN+3`. */
const firstRealTimeSignal = 34;

/** A signal's number: `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`; 15 for what nobody knows. */
export function signalNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  const name = text.startsWith('SIG') ? text : `SIG${text}`;
  const realTime = /^SIGRTMIN(?:\+(\d+))?$/.exec(name);
  if (realTime !== null) return firstRealTimeSignal + Number(realTime[1] ?? 0);
  const known: Readonly<Record<string, number>> = constants.signals;
  return known[name] ?? constants.signals.SIGTERM;
}

/** The same; undefined for what nobody knows. */
export function knownSignal(text: string): number | undefined {
  const name = text.toUpperCase();
  const number = signalNumber(name);
  const isKnown = number !== 15 || ['15', 'TERM', 'SIGTERM'].includes(name);
  return isKnown && number > 0 && number <= 64 ? number : undefined;
}

/**
 * Begins to stop a container, or brings its deadline forward. Resolves at once: the container's end comes as a change
 * of its record, its deadline as the plan's `wakeAt`.
 */
export async function stopContainer(
  world: World,
  state: PodState,
  pod: Pod | undefined,
  stop: { readonly container: string; readonly graceMs: number; readonly why?: string },
): Promise<void> {
  const attempt = state.alive(stop.container);
  if (attempt === undefined) return;
  const { first } = state.stopping(stop.container, world.now() + stop.graceMs);
  if (stop.graceMs === 0) {
    await killContainer(world, state, stop.container);
    return;
  }
  if (!first) return;
  // Who is frozen hears no signal.
  if (attempt.state.phase === 'running' && attempt.state.paused === true) {
    await world.runtime.resume(attempt.id).catch(() => undefined);
  }
  if (pod !== undefined) {
    const why = stop.why ?? `Stopping container ${stop.container}`;
    world.events.note(pod, 'Killing', why, stop.container);
  }
  const container = pod === undefined ? undefined : containerNamed(pod, stop.container);
  const hook = container?.lifecycle?.preStop;
  if (hook === undefined || container === undefined) {
    await sendStopSignal(world, attempt.id);
    return;
  }
  // Not awaited: the plan's deadline, not the hook, decides when the container ends.
  const { id } = attempt;
  const place = { runtime: world.runtime, container, id, ip: state.ip ?? '' };
  void handle(hook, place, AbortSignal.timeout(stop.graceMs))
    .catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      const text = `PreStopHook failed: ${message}`;
      if (pod !== undefined) world.events.warn(pod, 'FailedPreStopHook', text, stop.container);
    })
    .then(() => sendStopSignal(world, attempt.id))
    .catch((error: unknown) => world.log.warn('stop signal not sent', { error }));
}

async function sendStopSignal(world: World, id: string): Promise<void> {
  const record = world.runtime.get(id);
  if (record === undefined || record.state.phase === 'exited') return;
  await world.runtime.signal(id, signalNumber(stopSignalOf(record)));
}

/** SIGKILL to all of the container's processes. */
export async function killContainer(world: World, state: PodState, name: string): Promise<void> {
  const attempt = state.alive(name);
  if (attempt === undefined) return;
  state.killed(name);
  await world.runtime.kill(attempt.id);
}
