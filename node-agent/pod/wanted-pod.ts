/** A Container's Pod as the Container wants it now, with the health check of the image that runs. */
import type { Pod, Probe } from '#api/resources/types.ts';
import type { ImageConfig, ImageHealthcheck } from '#node-agent/image/images.ts';
import { keeperOf } from './kept-containers.ts';
import type { PodState } from './pod-state.ts';
import { asWished } from './wishes.ts';
import type { World } from './world.ts';

/** A probe of a Docker health check: failures in the start period do not count. */
export interface HealthProbe extends Probe {
  readonly startPeriodSeconds?: number;
}

/** Docker's usual times, in seconds. */
const usual = { interval: 30, timeout: 30, retries: 3 };

const seconds = (nanoseconds: number | undefined, otherwise: number): number =>
  nanoseconds === undefined ? otherwise : Math.max(1, Math.round(nanoseconds / 1e9));

/** Pure. Undefined for `NONE` and for what is no check. */
export function imageProbe(
  healthcheck: ImageHealthcheck | undefined,
  shell: ImageConfig['shell'],
): HealthProbe | undefined {
  const [kind, ...words] = healthcheck?.test ?? [];
  if (healthcheck === undefined || words.length === 0) return undefined;
  if (kind !== 'CMD' && kind !== 'CMD-SHELL') return undefined;
  const line = [...(shell ?? ['/bin/sh', '-c']), words.join(' ')];
  return {
    exec: { command: kind === 'CMD' ? words : line },
    periodSeconds: seconds(healthcheck.interval, usual.interval),
    timeoutSeconds: seconds(healthcheck.timeout, usual.timeout),
    failureThreshold: healthcheck.retries ?? usual.retries,
    startPeriodSeconds: seconds(healthcheck.startPeriod, 0),
  };
}

/** The image's check, unless the document has one or says that there is none. */
async function probeOf(world: World, state: PodState, name: string): Promise<Probe | undefined> {
  const attempt = state.attempts(name).at(-1);
  if (attempt?.state.phase !== 'running') return undefined;
  const { id, imageId } = attempt;
  if (state.imageProbe?.id !== id) {
    const image = await world.images.find(imageId).catch(() => undefined);
    const { healthcheck, shell } = image?.config ?? {};
    state.imageProbe = { id, probe: imageProbe(healthcheck, shell) };
  }
  return state.imageProbe.probe;
}

/** The document's check: its delay is Docker's start period. Pure. */
function withStartPeriod({ initialDelaySeconds = 0, ...probe }: Probe): HealthProbe {
  return { ...probe, startPeriodSeconds: initialDelaySeconds };
}

/** On the Pod: its document wants no health check, whatever the image says. */
const noHealthcheck = 'bayplan.dev/no-healthcheck';

/** Any other Pod is given as it is. */
export async function wantedPod(
  world: World,
  state: PodState,
  pod: Pod | undefined,
): Promise<Pod | undefined> {
  const keeper = pod === undefined ? undefined : keeperOf(pod);
  if (pod === undefined || keeper === undefined) {
    state.wish = undefined;
    return pod;
  }
  const wish = world.kept.wishes.of(keeper);
  state.wish = wish ?? 'unknown';
  const wanted = asWished(pod, wish);
  const [main, ...others] = wanted.spec?.containers ?? [];
  if (wanted.spec === undefined || main === undefined) return wanted;
  const own = main.readinessProbe;
  const none = pod.metadata.annotations?.[noHealthcheck] !== undefined;
  const found = own === undefined && !none ? await probeOf(world, state, main.name) : undefined;
  const readinessProbe = own === undefined ? found : withStartPeriod(own);
  if (readinessProbe === undefined) return wanted;
  return {
    ...wanted,
    spec: { ...wanted.spec, containers: [{ ...main, readinessProbe }, ...others] },
  };
}
