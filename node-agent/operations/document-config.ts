/** What a Container document says of its container, in the words of an image's configuration: `docker commit` keeps it. */
import { hasReason } from '#api/resources/status.ts';
import type { KeptContainers } from '../pod/kept-containers.ts';
import type { Place } from './place.ts';

interface Spec {
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly workingDir?: string;
  readonly user?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
  readonly ports?: readonly { readonly containerPort: number; readonly protocol?: string }[];
  readonly mounts?: readonly {
    readonly type: string;
    readonly source?: string;
    readonly target: string;
  }[];
  readonly healthcheck?: {
    readonly test: readonly string[];
    readonly intervalSeconds?: number;
    readonly timeoutSeconds?: number;
    readonly startPeriodSeconds?: number;
    readonly retries?: number;
  };
}

type Change = (config: Record<string, unknown>) => Record<string, unknown>;

/** Applies it to the base's configuration. */
export async function documentConfig(kept: KeptContainers, place: Place): Promise<Change> {
  const { uid, namespace, name } = place;
  if (uid === undefined) return (config) => config;
  try {
    const { spec } = (await kept.document({ namespace, name })) as { spec?: Spec };
    return (config) => withDocument(config, spec ?? {});
  } catch (error) {
    if (hasReason(error, 'NotFound')) return (config) => config;
    throw error;
  }
}

function withEnv(base: unknown, env: NonNullable<Spec['env']>): string[] {
  const lines = Array.isArray(base) ? base.map(String) : [];
  const named = new Map(lines.map((line) => [line.split('=')[0], line]));
  for (const { name, value = '' } of env) named.set(name, `${name}=${value}`);
  return [...named.values()];
}

/** Adds names to one of the configuration's sets (`ExposedPorts`, `Volumes`). */
function withNames(
  config: Record<string, unknown>,
  field: string,
  names: readonly string[],
): object {
  if (names.length === 0) return {};
  const added = Object.fromEntries(names.map((name) => [name, {}]));
  return { [field]: { ...(config[field] as object | undefined), ...added } };
}

/** What a document says without being asked (crds/container.yaml) is what an image says without a word. */
const usual = { Interval: 30, Timeout: 30, StartPeriod: 0, Retries: 3 } as const;

function healthcheck({ healthcheck: check }: Spec): object {
  if (check === undefined) return {};
  const told = {
    Interval: check.intervalSeconds,
    Timeout: check.timeoutSeconds,
    StartPeriod: check.startPeriodSeconds,
    Retries: check.retries,
  };
  const own = Object.entries(told).flatMap(([name, value]) => {
    if (value === undefined || value === usual[name as keyof typeof usual]) return [];
    return [[name, name === 'Retries' ? value : value * 1e9]];
  });
  return { Healthcheck: { Test: check.test, ...Object.fromEntries(own) } };
}

/** What others see of the container: ports, and the volumes of its own. */
function surroundings(config: Record<string, unknown>, { ports = [], mounts = [] }: Spec): object {
  const exposed = ports.map(
    ({ containerPort, protocol = 'TCP' }) => `${containerPort}/${protocol.toLowerCase()}`,
  );
  const own = mounts.filter(({ type, source }) => type === 'volume' && source === undefined);
  return {
    ...withNames(config, 'ExposedPorts', exposed),
    ...withNames(
      config,
      'Volumes',
      own.map(({ target }) => target),
    ),
  };
}

/** Pure. */
export function withDocument(config: Record<string, unknown>, spec: Spec): Record<string, unknown> {
  const { command, args, env = [], workingDir, user, labels, stopSignal } = spec;
  return {
    ...config,
    ...(command === undefined ? {} : { Entrypoint: command, Cmd: args ?? null }),
    ...(command === undefined && args !== undefined ? { Cmd: args } : {}),
    ...(env.length === 0 ? {} : { Env: withEnv(config['Env'], env) }),
    ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
    ...(user === undefined ? {} : { User: user }),
    ...(labels === undefined
      ? {}
      : { Labels: { ...(config['Labels'] as object | undefined), ...labels } }),
    ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
    ...surroundings(config, spec),
    ...healthcheck(spec),
  };
}
