/** What `bay label` and `bay annotate` share: `KEY=VALUE` sets, `KEY-` removes. */
import { UsageError } from '../arguments.ts';
import { changeEach, changeFlags } from './change.ts';
import { parseFlags } from './flags.ts';
import { patchPlace } from './requests.ts';
import type { Found } from './select.ts';

const flags = {
  ...changeFlags,
  overwrite: { type: 'boolean' },
  list: { type: 'boolean' },
  'resource-version': { type: 'string' },
} as const;

type Verb = 'label' | 'annotate';

const fields = { label: 'labels', annotate: 'annotations' } as const;

interface Changes {
  readonly set: ReadonlyMap<string, string>;
  readonly remove: ReadonlySet<string>;
}

const isChange = (word: string): boolean => word.includes('=') || word.endsWith('-');

/** @throws UsageError for a key that is set and removed */
function changesOf(verb: Verb, words: readonly string[]): Changes {
  const set = new Map<string, string>();
  const remove = new Set<string>();
  for (const word of words) {
    const equals = word.indexOf('=');
    if (equals > 0) set.set(word.slice(0, equals), word.slice(equals + 1));
    else if (equals < 0 && word.endsWith('-') && word.length > 1) remove.add(word.slice(0, -1));
    else throw new UsageError(`unknown ${verb} '${word}': write KEY=VALUE, or KEY- to remove it`);
  }
  for (const key of set.keys()) {
    if (remove.has(key)) {
      throw new UsageError(
        `can not both modify and remove ${fields[verb].slice(0, -1)} "${key}" in the same command`,
      );
    }
  }
  return { set, remove };
}

/** What is said of it afterwards. */
function said(
  verb: Verb,
  held: Readonly<Record<string, string>>,
  { set, remove }: Changes,
): string {
  const sets = [...set].some(([key, value]) => held[key] !== value);
  const removes = [...remove].some((key) => Object.hasOwn(held, key));
  if (verb === 'annotate') return 'annotated';
  if (!sets && !removes) return 'not labeled';
  return remove.size > 0 ? 'unlabeled' : 'labeled';
}

function refuseOverwrite(
  verb: Verb,
  { name, object }: Found,
  held: Readonly<Record<string, string>>,
  { set }: Changes,
): void {
  const taken = [...set].find(([key, value]) => Object.hasOwn(held, key) && held[key] !== value);
  if (taken === undefined) return;
  const [key] = taken;
  throw new Error(
    `${object.kind} "${name}": '${key}' already has a value (${held[key]}), and --overwrite is false; 'bay ${verb} --overwrite' changes it`,
  );
}

const patchOf = (verb: Verb, { set, remove }: Changes, resourceVersion: string | undefined) => ({
  metadata: {
    [fields[verb]]: {
      ...Object.fromEntries(set),
      ...Object.fromEntries([...remove].map((key) => [key, null])),
    },
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  },
});

/** Resolves with the exit code. */
export async function changeMetadata(verb: Verb, args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags(verb, args, flags);
  const first = words.findIndex(isChange);
  const changes = changesOf(verb, first < 0 ? [] : words.slice(first));
  const isList = values.list === true;
  if (first < 0 && !isList) {
    throw new UsageError(
      `at least one ${fields[verb].slice(0, -1)} update is required: bay ${verb} TYPE/NAME KEY=VALUE`,
    );
  }
  const meant = first < 0 ? words : words.slice(0, first);
  return changeEach(verb, values, meant, async (client, found, { dryRun, options, tell }) => {
    const held = found.object.metadata[fields[verb]] ?? {};
    if (isList) {
      for (const [key, value] of Object.entries(held)) process.stdout.write(`${key}=${value}\n`);
      return;
    }
    if (values.overwrite !== true) refuseOverwrite(verb, found, held, changes);
    for (const key of changes.remove) {
      if (verb === 'label' && !Object.hasOwn(held, key)) {
        process.stdout.write(`label "${key}" not found.\n`);
      }
    }
    const patch = patchOf(verb, changes, values['resource-version']);
    const after =
      dryRun === 'client' ? found.object : await patchPlace(client, found, patch, 'merge', options);
    tell(found.type, said(verb, held, changes), after);
  });
}
