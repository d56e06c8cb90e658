/**
 * The pages of the reference that are made from code: `node docs/generate.ts` writes them. `test/cli/reference.test.ts`
 * tells when what is committed is not what this makes.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { type CommandEntry, commands } from '#cli/commands.ts';

const home = resolve(import.meta.dirname, '..');

const made = '<!-- Made by `node docs/generate.ts`: change the code, not this page. -->';

const groups = {
  cluster: 'Cluster',
  documents: 'Documents',
  containers: 'Containers',
  images: 'Images',
} as const;

const width = 96;

/** The words of a usage; what stands in brackets is one. */
const wordsOf = (usage: string): string[] => usage.match(/\[[^\]]*\]\S*|\S+/g) ?? [];

/** In lines that can be read. */
function usageLines(usage: string): string {
  const lines = ['    bay'];
  for (const word of wordsOf(usage)) {
    const last = lines.at(-1) ?? '';
    if (last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`        ${word}`);
  }
  return lines.join('\n');
}

function commandText(name: string, { summary, usage }: CommandEntry): string {
  return `### ${name}\n\n${summary}\n\n${usageLines(usage)}\n`;
}

/** docs/reference/commands.md */
export function commandsPage(): string {
  const parts = Object.entries(groups).map(([group, title]) => {
    const own = Object.entries(commands).filter(([, entry]) => entry.group === group);
    const index = own.map(([name, { summary }]) => `| [\`${name}\`](#${name}) | ${summary} |`);
    const texts = own.map(([name, entry]) => commandText(name, entry));
    return `## ${title}\n\n| | |\n|---|---|\n${index.join('\n')}\n\n${texts.join('\n')}`;
  });
  return `# Commands of bay

${made}

\`bay help COMMAND\` shows the same. Every command that talks to a cluster takes \`--kubeconfig FILE\`, or \`--name\`,
\`--data-dir\` and \`--run-dir\` (\`BAY_NAME\`, \`BAY_DATA_DIR\`, \`BAY_RUN_DIR\`) for a cluster of this machine, and \`-n NAMESPACE\`.
Exit codes: 0 done, 1 it failed, 2 the command line is wrong; containers' own where one is run.

${parts.join('\n')}`;
}

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly format?: string;
  readonly 'x-kubernetes-int-or-string'?: boolean;
}

interface Definition {
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: {
      readonly kind: string;
      readonly plural: string;
      readonly shortNames?: readonly string[];
    };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

function typeText(schema: Schema): string {
  if (schema['x-kubernetes-int-or-string'] === true) return 'number or text';
  if (schema.items !== undefined) return `list of ${typeText(schema.items)}`;
  if (typeof schema.additionalProperties === 'object') {
    return `map of ${typeText(schema.additionalProperties)}`;
  }
  return schema.format === 'date-time' ? 'time' : (schema.type ?? 'any');
}

const cell = (text: string): string => text.trim().replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');

function meaning(
  { description = '', enum: values, default: usual }: Schema,
  isRequired: boolean,
): string {
  const parts = [
    isRequired ? '**Needed.**' : '',
    description,
    values === undefined ? '' : `One of ${values.map((value) => `\`${value}\``).join(', ')}.`,
    usual === undefined ? '' : `Default \`${JSON.stringify(usual)}\`.`,
  ];
  return cell(parts.filter(Boolean).join(' '));
}

/** The fields below, as rows. */
function rows(schema: Schema, path: string): string[] {
  const inner =
    schema.items ??
    (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : schema);
  const mark = schema.items === undefined ? (inner === schema ? '' : '.*') : '[]';
  return Object.entries(inner.properties ?? {}).flatMap(([name, field]) => {
    const at = `${path}${mark}.${name}`;
    const isRequired = inner.required?.includes(name) === true;
    return [
      `| \`${at.replace(/^\./, '')}\` | ${typeText(field)} | ${meaning(field, isRequired)} |`,
      ...rows(field, at),
    ];
  });
}

function kindText({ spec: { group, scope, names, versions } }: Definition): string {
  const [version] = versions;
  if (version === undefined) throw new Error(`${names.kind} has no version`);
  const { openAPIV3Schema: schema } = version.schema;
  const short = names.shortNames?.map((name) => `\`${name}\``).join(', ');
  const { spec, status } = schema.properties ?? {};
  return `## ${names.kind}

\`${group}/${version.name}\`, \`${names.plural}\`${short === undefined ? '' : ` (${short})`}, ${scope === 'Cluster' ? 'for the whole cluster' : 'in a namespace'}. ${cell(schema.description ?? '')}

| field | | |
|---|---|---|
${[...rows(spec ?? {}, 'spec'), ...rows(status ?? {}, 'status')].join('\n')}
`;
}

/** docs/reference/kinds.md */
export function kindsPage(): string {
  const files = readdirSync(join(home, 'crds')).filter((name) => name.endsWith('.yaml'));
  const definitions = files
    .sort()
    .map((name) => parse(readFileSync(join(home, 'crds', name), 'utf8')) as Definition);
  return `# Kinds of our own

${made}

What Kubernetes lacks is defined in \`crds/\` and installed through the API like anybody's. \`bay explain container.spec\` and
\`kubectl explain\` tell the same of a running cluster. All of Kubernetes' own kinds are served, too: \`bay api-resources\`.

${definitions.map(kindText).join('\n')}`;
}

/** File → its text. */
export const pages: Readonly<Record<string, () => string>> = {
  'docs/reference/commands.md': commandsPage,
  'docs/reference/kinds.md': kindsPage,
};

if (process.argv[1] === import.meta.filename) {
  for (const [file, make] of Object.entries(pages)) writeFileSync(join(home, file), make());
}
