/** What a kubeconfig says, however unusual it is. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Credentials } from './credentials.ts';

interface NamedEntry {
  readonly name: string;
  readonly cluster?: Record<string, string>;
  readonly user?: Record<string, string>;
  readonly context?: { readonly cluster: string; readonly user: string };
}

interface Kubeconfig {
  readonly clusters?: readonly NamedEntry[];
  readonly users?: readonly NamedEntry[];
  readonly contexts?: readonly NamedEntry[];
  readonly 'current-context'?: string;
}

/** Names of what is to be used of the file. */
export interface KubeconfigChoice {
  /** Absent: the current one. */
  readonly context?: string | undefined;
  /** Absent: the context's. */
  readonly cluster?: string | undefined;
  /** Absent: the context's. */
  readonly user?: string | undefined;
  /** Whoever brings a token needs nothing else of the user. */
  readonly token?: string | undefined;
}

function read(text: string): Kubeconfig {
  // `yaml` costs more time to load than all of this module's own work: only unusual files need it.
  const { parse } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  return (parse(text) ?? {}) as Kubeconfig;
}

/** Whether the file has a context of this name. */
export const hasContext = (path: string, context: string): boolean =>
  read(readFileSync(path, 'utf8')).contexts?.some(({ name }) => name === context) ?? false;

/** @throws Error if a name that was given on its own is none */
function named(
  entries: readonly NamedEntry[] | undefined,
  name: string | undefined,
  asked: string | undefined,
  what: string,
): NamedEntry | undefined {
  const found = entries?.find((entry) => entry.name === (asked ?? name));
  if (found === undefined && asked !== undefined)
    throw new Error(`${what} "${asked}" does not exist`);
  return found;
}

/** An embedded field, or the content of the file that it names. */
function partOf(source: Record<string, string> | undefined, key: string): string | undefined {
  const embedded = source?.[`${key}-data`];
  if (embedded !== undefined) return Buffer.from(embedded, 'base64').toString();
  const file = source?.[key];
  return file === undefined ? undefined : readFileSync(file, 'utf8');
}

/** How the user is known. @throws Error that tells what the context lacks */
function loginOf(user: Record<string, string> | undefined, lacks: (what: string) => Error) {
  const file = user?.['tokenFile'];
  const token = user?.['token'] ?? (file === undefined ? undefined : readFileSync(file, 'utf8'));
  if (token !== undefined) return { token: token.trim() };
  const cert = partOf(user, 'client-certificate');
  if (cert === undefined) throw lacks('client-certificate');
  const key = partOf(user, 'client-key');
  if (key === undefined) throw lacks('client-key');
  return { cert, key };
}

/** What the file at `path` says under the chosen names. @throws Error that names the file and what is missing */
export function credentialsIn(text: string, path: string, choice: KubeconfigChoice): Credentials {
  const config = read(text);
  const current = choice.context ?? config['current-context'];
  const inFile = (
    entries: readonly NamedEntry[] | undefined,
    name?: string,
    asked?: string,
    what = '',
  ) => named(entries, name, asked, `kubeconfig ${path}: ${what}`);
  const context = inFile(config.contexts, current, choice.context, 'context')?.context;
  const { cluster } = inFile(config.clusters, context?.cluster, choice.cluster, 'cluster') ?? {};
  const { user } = inFile(config.users, context?.user, choice.user, 'auth info') ?? {};
  const lacks = (what: string) =>
    new Error(`kubeconfig ${path}: the context '${current}' has no ${what}`);
  if (cluster?.['server'] === undefined) throw lacks('server');
  const ca = partOf(cluster, 'certificate-authority');
  const isInsecure = String(cluster['insecure-skip-tls-verify']) === 'true';
  return {
    server: cluster['server'],
    ...(isInsecure ? { insecure: true } : ca === undefined ? {} : { ca }),
    ...(choice.token === undefined ? loginOf(user, lacks) : {}),
  };
}
