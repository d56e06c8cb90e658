/** `Config` of `docker inspect`: the image's configuration with what the document says instead. Pure. */
import type { Container } from '../container.ts';
import { nameOf } from '../find-container.ts';

export interface Config {
  readonly Hostname: string;
  readonly Domainname: string;
  readonly User: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Tty: boolean;
  readonly OpenStdin: boolean;
  readonly Env: readonly string[];
  readonly Cmd: readonly string[] | null;
  readonly Healthcheck?: object;
  readonly Image: string;
  readonly Volumes: Readonly<Record<string, object>> | null;
  readonly WorkingDir: string;
  readonly Entrypoint: readonly string[] | null;
  readonly Labels: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly StopTimeout?: number;
  readonly Shell?: readonly string[];
}

type Spec = Container['spec'];

/** Docker's order: the container's own first, then what the image has beyond them. */
function envOf({ env = [] }: Spec, image: readonly string[]): string[] {
  const names = new Set(env.map(({ name }) => name));
  const own = env.map(({ name, value = '' }) => `${name}=${value}`);
  return [...own, ...image.filter((line) => !names.has(line.split('=')[0] ?? ''))];
}

/** A program of its own drops the image's arguments, too. */
function program({ command, args }: Spec, image: Partial<Config>) {
  if (command !== undefined) return { Cmd: args ?? null, Entrypoint: command };
  return { Cmd: args ?? image.Cmd ?? null, Entrypoint: image.Entrypoint ?? null };
}

const nanos = (seconds: number | undefined): number => (seconds ?? 0) * 1_000_000_000;

function healthcheck({ healthcheck: own }: Spec, image: Partial<Config>): object {
  if (own === undefined) {
    return image.Healthcheck === undefined ? {} : { Healthcheck: image.Healthcheck };
  }
  const told = {
    Test: own.test,
    Interval: nanos(own.intervalSeconds),
    Timeout: nanos(own.timeoutSeconds),
    StartPeriod: nanos(own.startPeriodSeconds),
    Retries: own.retries ?? 0,
  };
  return { Healthcheck: told };
}

/** `80/tcp`. */
export const portKey = (port: NonNullable<Spec['ports']>[number]): string =>
  `${port.containerPort}/${(port.protocol ?? 'TCP').toLowerCase()}`;

function exposed({ ports = [] }: Spec, image: Partial<Config>): object {
  const own = Object.fromEntries(ports.map((port) => [portKey(port), {}]));
  const all = { ...image.ExposedPorts, ...own };
  return Object.keys(all).length === 0 ? {} : { ExposedPorts: all };
}

const stopping = ({ stopSignal, stopTimeout }: Spec, image: Partial<Config>) => ({
  ...((stopSignal ?? image.StopSignal) === undefined
    ? {}
    : { StopSignal: stopSignal ?? image.StopSignal }),
  ...(stopTimeout === undefined ? {} : { StopTimeout: stopTimeout }),
});

export function configOf(container: Container, image: Partial<Config>): Config {
  const { spec } = container;
  return {
    Hostname: spec.hostname ?? nameOf(container),
    Domainname: spec.domainname ?? '',
    User: spec.user ?? image.User ?? '',
    ...exposed(spec, image),
    Tty: spec.tty ?? false,
    OpenStdin: spec.stdin ?? false,
    Env: envOf(spec, image.Env ?? []),
    ...healthcheck(spec, image),
    Image: spec.image,
    Volumes: image.Volumes ?? null,
    WorkingDir: spec.workingDir ?? image.WorkingDir ?? '',
    ...program(spec, image),
    Labels: { ...image.Labels, ...spec.labels },
    ...stopping(spec, image),
    ...(image.Shell === undefined ? {} : { Shell: image.Shell }),
  };
}
