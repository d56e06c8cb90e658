/** `bay create KIND …`: one document from flags, as kubectl makes it. */
import type { RemoteClient } from '#api/client/client.ts';
import { UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { outcome } from '../documents/each.ts';
import {
  clientFlags,
  dryRunOf,
  type Flags,
  parseFlags,
  type Values,
  writeFlags,
} from '../documents/flags.ts';
import { printerOf } from '../documents/print.ts';
import { createIn } from '../documents/requests.ts';
import { objectLabel } from '../object-name.ts';
import { type CreateKind, needFlags, oneName } from './kind.ts';
import { kindEntry } from './kinds.ts';

const commonFlags = {
  ...clientFlags,
  ...writeFlags,
  output: { type: 'string', short: 'o' },
  'save-config': { type: 'boolean' },
  validate: { type: 'string', bare: 'strict' },
} as const;

/** The word's form, and the arguments without it. */
async function kindMeant(
  word: string,
  args: readonly string[],
): Promise<{ kind: CreateKind; args: readonly string[] }> {
  const entry = kindEntry(word);
  const at = entry?.forms === undefined ? -1 : args.findIndex((arg) => entry.forms?.includes(arg));
  const form = args[at] ?? '';
  const kind = entry?.forms !== undefined && at < 0 ? undefined : await entry?.load(form);
  if (kind === undefined) {
    throw new UsageError(
      `say which ${word}: bay create ${word} ${entry?.forms?.join('|') ?? ''} NAME`,
    );
  }
  return { kind, args: args.filter((_, index) => index !== at) };
}

/** `KIND [FORM] NAME [FLAGS] [-- COMMAND]`, where flags may stand anywhere. Resolves with the exit code. */
export async function createKind(word: string, given: readonly string[]): Promise<number> {
  const { kind, args } = await kindMeant(word, given);
  const end = args.indexOf('--');
  const command = end < 0 ? [] : args.slice(end + 1);
  const before = end < 0 ? args : args.slice(0, end);
  const { values: all, words } = parseFlags('create', before, { ...commonFlags, ...kind.flags });
  // A kind's own flag hides a common one of its name: `--user` of a role binding.
  const own = Object.fromEntries(
    Object.entries(all).filter(([flag]) => flag in kind.flags),
  ) as Values<Flags>;
  const common = Object.fromEntries(Object.entries(all).filter(([flag]) => !(flag in kind.flags)));
  const values = common as ReturnType<typeof parseFlags<typeof commonFlags>>['values'];
  needFlags(own, kind.required);
  const name = oneName(words, 'create');
  const dryRun = dryRunOf(values['dry-run']);
  const print = values.output === undefined ? undefined : await printerOf(values.output);
  let opened: RemoteClient | undefined;
  const client = async () => {
    opened ??= await openClient(values);
    return opened;
  };
  try {
    const { namespace } = values;
    const draft = await kind.make({ name, values: own, command, namespace, client });
    const isPlaced = kind.type.namespaced && (namespace !== undefined || dryRun !== 'client');
    const where = isPlaced ? { namespace: namespace ?? 'default' } : {};
    const object = { ...draft, metadata: { ...draft.metadata, ...where } };
    const options = { isDry: dryRun === 'server', fieldManager: values['field-manager'] };
    const place = {
      type: kind.type,
      namespace: kind.type.namespaced ? where.namespace : undefined,
    };
    const made =
      dryRun === 'client' ? object : await createIn(await client(), place, object, options);
    const label = objectLabel(kind.type, made.metadata.name);
    process.stdout.write(print === undefined ? outcome(label, 'created', dryRun) : print(made));
    return 0;
  } finally {
    opened?.close();
  }
}
