/** `bay config`: what the kubeconfig in use says; its secrets are not shown unless asked for. */
import { readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { UsageError } from '../arguments.ts';
import { kubeconfigOf } from '../connection.ts';
import { clientFlags, parseFlags } from '../documents/flags.ts';
import { tabbed } from '../documents/tab-writer.ts';

const flags = {
  ...clientFlags,
  raw: { type: 'boolean' },
  minify: { type: 'boolean' },
  'no-headers': { type: 'boolean' },
  output: { type: 'string', short: 'o' },
} as const;

interface Named {
  readonly name: string;
  readonly cluster?: Record<string, unknown>;
  readonly user?: Record<string, unknown>;
  readonly context?: {
    readonly cluster?: string;
    readonly user?: string;
    readonly namespace?: string;
  };
}

interface Kubeconfig {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly preferences?: object;
  readonly clusters?: readonly Named[];
  readonly users?: readonly Named[];
  readonly contexts?: readonly Named[];
  readonly 'current-context'?: string;
}

const data = ['certificate-authority-data', 'client-certificate-data', 'client-key-data'];
const secrets = ['token', 'password'];

const hidden = (fields: Record<string, unknown> = {}): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]) => {
      if (data.includes(key)) return [key, 'DATA+OMITTED'];
      return [key, secrets.includes(key) ? 'REDACTED' : value];
    }),
  );

function withoutSecrets(config: Kubeconfig): Kubeconfig {
  return {
    preferences: {},
    ...config,
    clusters: (config.clusters ?? []).map((one) => ({ ...one, cluster: hidden(one.cluster) })),
    users: (config.users ?? []).map((one) => ({ ...one, user: hidden(one.user) })),
  };
}

/** The current context and what it names. */
function minified(config: Kubeconfig): Kubeconfig {
  const current = config['current-context'];
  const contexts = (config.contexts ?? []).filter(({ name }) => name === current);
  const { context } = contexts[0] ?? {};
  if (context === undefined) throw new Error(`cannot locate context ${current ?? ''}`);
  return {
    ...config,
    contexts,
    clusters: (config.clusters ?? []).filter(({ name }) => name === context.cluster),
    users: (config.users ?? []).filter(({ name }) => name === context.user),
  };
}

interface Listing {
  /** Those named; empty: all. */
  readonly names: readonly string[];
  readonly isNames: boolean;
  readonly headings: boolean;
}

function contextsTable(config: Kubeconfig, { names, isNames, headings }: Listing): string {
  const contexts = config.contexts ?? [];
  const missing = names.find((wanted) => !contexts.some(({ name }) => name === wanted));
  if (missing !== undefined) throw new Error(`context ${missing} not found`);
  const shown = contexts.filter(({ name }) => names.length === 0 || names.includes(name));
  if (isNames) return shown.map(({ name }) => `${name}\n`).join('');
  const rows = shown.map(({ name, context }) => {
    const mark = name === config['current-context'] ? '*' : '';
    return [mark, name, context?.cluster ?? '', context?.user ?? '', context?.namespace ?? ''];
  });
  const all = headings ? [['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE'], ...rows] : rows;
  return tabbed(all.map((row) => `${row.join('\t')}\n`).join(''), { min: 6, padding: 3 });
}

const namesTable = (all: readonly Named[] = []): string =>
  ['NAME', ...all.map(({ name }) => name)].map((name) => `${name}\n`).join('');

/** The file is another one, whole, or as it was; what else is in it, comments too, stays. */
async function useContext(path: string, name: string | undefined): Promise<string> {
  if (name === undefined) throw new UsageError('say which: bay config use-context NAME');
  const { parseDocument } = await import('yaml');
  const document = parseDocument(readFileSync(path, 'utf8'));
  const { contexts = [] } = document.toJS() as Kubeconfig;
  if (!contexts.some((one) => one.name === name)) {
    throw new Error(`no context exists with the name: "${name}"`);
  }
  document.set('current-context', name);
  const place = realpathSync(path);
  writeFileSync(`${place}.new`, document.toString(), { mode: statSync(place).mode & 0o777 });
  renameSync(`${place}.new`, place);
  return `Switched to context "${name}".\n`;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('config', args, flags);
  const [action = '', ...names] = words;
  const path = kubeconfigOf(values);
  const { parse } = await import('yaml');
  const config = parse(readFileSync(path, 'utf8')) as Kubeconfig;
  const headings = values['no-headers'] !== true;
  if (action === 'current-context') {
    const { 'current-context': current } = config;
    if (!current) throw new Error(`current-context is not set in ${path}`);
    process.stdout.write(`${current}\n`);
  } else if (action === 'get-contexts') {
    const isNames = values.output === 'name';
    process.stdout.write(contextsTable(config, { names, isNames, headings }));
  } else if (action === 'get-clusters' || action === 'get-users') {
    process.stdout.write(namesTable(action === 'get-users' ? config.users : config.clusters));
  } else if (action === 'use-context') {
    process.stdout.write(await useContext(path, names[0]));
  } else if (action === 'view') {
    const named =
      values.context === undefined ? config : { ...config, 'current-context': values.context };
    const chosen = values.minify === true ? minified(named) : config;
    const { printerOf } = await import('../documents/print.ts');
    const print = await printerOf(values.output ?? 'yaml');
    process.stdout.write(print(values.raw === true ? chosen : withoutSecrets(chosen)));
  } else {
    const known = 'view, get-contexts, get-clusters, get-users, use-context or current-context';
    throw new UsageError(`'${action}': bay config ${known}`);
  }
  return 0;
}
