/** What a Container document says of its program, in the words of an image's configuration: `docker commit` keeps it. */
import { hasReason } from '#api/resources/status.ts';
import type { KeptContainers } from '../pod/kept-containers.ts';
import type { Place } from './place.ts';

interface Spec {
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly workingDir?: string;
  readonly user?: string;
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

/** Pure. */
export function withDocument(
  config: Record<string, unknown>,
  { command, args, env = [], workingDir, user }: Spec,
): Record<string, unknown> {
  return {
    ...config,
    ...(command === undefined ? {} : { Entrypoint: command, Cmd: args ?? null }),
    ...(command === undefined && args !== undefined ? { Cmd: args } : {}),
    ...(env.length === 0 ? {} : { Env: withEnv(config['Env'], env) }),
    ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
    ...(user === undefined ? {} : { User: user }),
  };
}
