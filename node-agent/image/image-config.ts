/** What a container takes from an image's configuration. */

import type { ImageConfig } from './images.ts';
import type { Config } from './oci.ts';

/** Absent and null fields become empty; a single string is a list of one, as Docker reads it. */
export function imageConfig({ config }: Config): ImageConfig {
  return {
    entrypoint: words(config?.Entrypoint),
    cmd: words(config?.Cmd),
    env: config?.Env ?? [],
    workingDir: config?.WorkingDir ?? '',
    user: config?.User ?? '',
    labels: config?.Labels ?? {},
    exposedPorts: Object.keys(config?.ExposedPorts ?? {}),
    ...(config?.StopSignal ? { stopSignal: config.StopSignal } : {}),
    ...(config?.Volumes ? { volumes: Object.keys(config.Volumes) } : {}),
    ...(config?.Shell ? { shell: config.Shell } : {}),
    ...healthcheck(config),
  };
}

function healthcheck(config: Config['config']): Pick<ImageConfig, 'healthcheck'> {
  const { Test, Interval, Timeout, StartPeriod, StartInterval, Retries } =
    config?.Healthcheck ?? {};
  if (Test === undefined || Test === null || Test.length === 0) return {};
  return {
    healthcheck: {
      test: Test,
      ...(Interval ? { interval: Interval } : {}),
      ...(Timeout ? { timeout: Timeout } : {}),
      ...(StartPeriod ? { startPeriod: StartPeriod } : {}),
      ...(StartInterval ? { startInterval: StartInterval } : {}),
      ...(Retries ? { retries: Retries } : {}),
    },
  };
}

function words(value: string | readonly string[] | null | undefined): readonly string[] {
  return typeof value === 'string' ? [value] : (value ?? []);
}
