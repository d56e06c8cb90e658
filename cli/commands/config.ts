/** `bay config`: what the kubeconfig in use says; its secrets are not shown unless asked for. */
import { readFileSync } from 'node:fs';
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

function contextsTable(config: Kubeconfig, headings: boolean): string {
  const rows = (config.contexts ?? []).map(({ name, context }) => {
    const mark = name === config['current-context'] ? '*' : '';
    return [mark, name, context?.cluster ?? '', context?.user ?? '', context?.namespace ?? ''];
  });
  const all = headings ? [['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE'], ...rows] : rows;
  return tabbed(all.map((row) => `${row.join('\t')}\n`).join(''), { min: 6, padding: 3 });
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('config', args, flags);
  const [action = ''] = words;
  const path = kubeconfigOf(values);
  const { parse } = await import('yaml');
  const config = parse(readFileSync(path, 'utf8')) as Kubeconfig;
  if (action === 'current-context') {
    const { 'current-context': current } = config;
    if (!current) throw new Error(`current-context is not set in ${path}`);
    process.stdout.write(`${current}\n`);
  } else if (action === 'get-contexts') {
    process.stdout.write(contextsTable(config, values['no-headers'] !== true));
  } else if (action === 'view') {
    const named =
      values.context === undefined ? config : { ...config, 'current-context': values.context };
    const chosen = values.minify === true ? minified(named) : config;
    const { printerOf } = await import('../documents/print.ts');
    const print = await printerOf(values.output ?? 'yaml');
    process.stdout.write(print(values.raw === true ? chosen : withoutSecrets(chosen)));
  } else {
    throw new UsageError(`'${action}': bay config view, get-contexts or current-context`);
  }
  return 0;
}
