/** `bay run`'s flags, docker's own, as a Container document. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { UsageError } from './arguments.ts';
import type { Container, Mount } from './container.ts';

export const runOptions = {
  detach: { type: 'boolean', short: 'd' },
  interactive: { type: 'boolean', short: 'i' },
  tty: { type: 'boolean', short: 't' },
  rm: { type: 'boolean' },
  // docker's --name is the container's; the cluster is told by BAY_NAME or --cluster here.
  name: { type: 'string' },
  cluster: { type: 'string' },
  env: { type: 'string', short: 'e', multiple: true },
  publish: { type: 'string', short: 'p', multiple: true },
  volume: { type: 'string', short: 'v', multiple: true },
  memory: { type: 'string', short: 'm' },
  cpus: { type: 'string' },
  workdir: { type: 'string', short: 'w' },
  user: { type: 'string', short: 'u' },
  hostname: { type: 'string', short: 'h' },
  label: { type: 'string', short: 'l', multiple: true },
  restart: { type: 'string' },
  entrypoint: { type: 'string' },
} as const;

export interface RunFlags {
  readonly interactive?: boolean | undefined;
  readonly tty?: boolean | undefined;
  readonly rm?: boolean | undefined;
  readonly name?: string | undefined;
  readonly env?: readonly string[] | undefined;
  readonly publish?: readonly string[] | undefined;
  readonly volume?: readonly string[] | undefined;
  readonly memory?: string | undefined;
  readonly cpus?: string | undefined;
  readonly workdir?: string | undefined;
  readonly user?: string | undefined;
  readonly hostname?: string | undefined;
  readonly label?: readonly string[] | undefined;
  readonly restart?: string | undefined;
  readonly entrypoint?: string | undefined;
}

/** `A=b`, or `A` for the value of our own environment; an unset one is left out, as docker does. */
function environment(entries: readonly string[]): { name: string; value: string }[] {
  return entries.flatMap((entry) => {
    const equals = entry.indexOf('=');
    const name = equals < 0 ? entry : entry.slice(0, equals);
    if (name === '') throw new UsageError(`-e '${entry}': the name is missing`);
    const value = equals < 0 ? process.env[name] : entry.slice(equals + 1);
    return value === undefined ? [] : [{ name, value }];
  });
}

/** `80`, `8080:80`, `127.0.0.1:8080:80`, each with `/udp` if wanted. */
function port(text: string) {
  const match = /^(?:(?:([\d.]+):)?(\d+):)?(\d+)(?:\/(tcp|udp|sctp))?$/.exec(text);
  if (match === null) throw new UsageError(`-p '${text}': write [[IP:]HOST:]CONTAINER[/PROTOCOL]`);
  const [, hostIP, hostPort, containerPort, protocol] = match;
  return {
    containerPort: Number(containerPort),
    ...(hostPort === undefined ? {} : { hostPort: Number(hostPort) }),
    ...(hostIP === undefined ? {} : { hostIP }),
    ...(protocol === undefined ? {} : { protocol: protocol.toUpperCase() }),
  };
}

/** `/host:/inside[:ro]`, `volume:/inside`, `/inside`. */
function mount(text: string): Mount {
  const parts = text.split(':');
  const mode = parts.length > 1 && ['ro', 'rw'].includes(parts.at(-1) ?? '') ? parts.pop() : 'rw';
  const target = parts.pop() ?? '';
  const source = parts.pop();
  if (!target.startsWith('/') || parts.length > 0) {
    throw new UsageError(`-v '${text}': write [SOURCE:]/TARGET[:ro]`);
  }
  const readOnly = mode === 'ro' ? { readOnly: true } : {};
  if (source === undefined) return { type: 'volume', target, ...readOnly };
  const path = source.startsWith('/') || source.startsWith('.');
  if (path) return { type: 'bind', source: resolve(source), target, ...readOnly };
  return { type: 'volume', source, target, ...readOnly };
}

/** docker's `512m`, `2g` as a Kubernetes quantity. */
function memory(text: string): string {
  const match = /^(\d+)([bkmg]?)b?$/i.exec(text);
  if (match === null) throw new UsageError(`-m '${text}': a number with b, k, m or g`);
  const unit = { '': '', b: '', k: 'Ki', m: 'Mi', g: 'Gi' }[match[2]?.toLowerCase() ?? ''] ?? '';
  return `${match[1]}${unit}`;
}

function resources(flags: RunFlags): { resources?: NonNullable<Container['spec']['resources']> } {
  if (flags.memory === undefined && flags.cpus === undefined) return {};
  if (flags.cpus !== undefined && !(Number(flags.cpus) > 0)) {
    throw new UsageError(`--cpus '${flags.cpus}': a number greater than 0`);
  }
  return {
    resources: {
      ...(flags.memory === undefined ? {} : { memory: memory(flags.memory) }),
      ...(flags.cpus === undefined ? {} : { cpu: flags.cpus }),
    },
  };
}

function labels(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const [name = '', ...value] = entry.split('=');
      return [name, value.join('=')];
    }),
  );
}

const some = <K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });

/** The document for one `bay run`. Throws UsageError naming the flag that is wrong. */
export function containerDocument(
  flags: RunFlags,
  image: string,
  command: readonly string[],
  namespace: string,
): Container {
  const name = flags.name ?? `run-${randomBytes(4).toString('hex')}`;
  const env = environment(flags.env ?? []);
  const ports = (flags.publish ?? []).map(port);
  const mounts = (flags.volume ?? []).map(mount);
  return {
    apiVersion: 'bayplan.dev/v1alpha1',
    kind: 'Container',
    metadata: { name, namespace },
    spec: {
      image,
      ...some('command', flags.entrypoint === undefined ? undefined : [flags.entrypoint]),
      ...(command.length === 0 ? {} : { args: [...command] }),
      ...(env.length === 0 ? {} : { env }),
      ...(ports.length === 0 ? {} : { ports }),
      ...(mounts.length === 0 ? {} : { mounts }),
      ...resources(flags),
      ...some('workingDir', flags.workdir),
      ...some('user', flags.user),
      ...some('hostname', flags.hostname),
      ...(flags.label === undefined ? {} : { labels: labels(flags.label) }),
      ...(flags.tty === true ? { tty: true } : {}),
      ...(flags.interactive === true ? { stdin: true } : {}),
      ...(flags.rm === true ? { autoRemove: true } : {}),
      restartPolicy: flags.restart?.split(':')[0] ?? 'no',
    },
  };
}
