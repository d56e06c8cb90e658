/** `bay set env`: sets, removes and lists the variables of containers of workloads. */
import { equalJson, type JsonObject, objectsOf, stringOr } from '#api/resources/json.ts';
import { UsageError } from '../arguments.ts';
import { listOf } from '../create/kind.ts';
import { forEachFound } from '../documents/each.ts';
import { parseFlags } from '../documents/flags.ts';
import type { Found } from '../documents/select.ts';
import { type Opened, type Setting, setEach, settingFlags, withOpened } from './change-spec.ts';
import { referenceText, sourceOf, variablesFrom } from './env-source.ts';
import { listVariables } from './env-value.ts';
import { type EnvChange, envChangeOf, isEnvWord } from './env-words.ts';
import { eachLocal } from './local.ts';
import { type Chosen, chosenContainers, podSpecOf } from './pod-spec.ts';

const text = { type: 'string' } as const;
const flags = {
  ...settingFlags,
  containers: { type: 'string', short: 'c' },
  env: { type: 'string', short: 'e', multiple: true },
  from: text,
  keys: { type: 'string', multiple: true },
  list: { type: 'boolean' },
  overwrite: { type: 'boolean' },
  prefix: text,
  resolve: { type: 'boolean' },
} as const;

/** Each in its place; what is new follows in the order given. */
function changed(present: readonly JsonObject[], { set, remove }: EnvChange): object[] {
  const wanted = new Map(set.map((one) => [one.name, one]));
  const kept = present
    .map((one) => ({ name: stringOr(one['name']), one }))
    .filter(({ name }) => !remove.has(name))
    .map(({ name, one }) => {
      const other = wanted.get(name);
      wanted.delete(name);
      return other ?? one;
    });
  return [...kept, ...wanted.values()];
}

function refuseOverwrite(present: readonly JsonObject[], { set }: EnvChange): void {
  for (const { name } of set) {
    const before = present.find((one) => one['name'] === name);
    if (before === undefined) continue;
    throw new Error(
      `'${name}' already has a value (${stringOr(before['value'])}), and --overwrite is false`,
    );
  }
}

/** The containers of a document; a warning when there are none of that name, as kubectl's. */
function chosenIn({ object, name }: Found, pattern: string): Chosen[] {
  const chosen = chosenContainers(podSpecOf(object), pattern);
  if (chosen.length === 0) {
    process.stderr.write(
      `bay: warning: ${object.kind} ${name} does not have any containers matching "${pattern}"\n`,
    );
  }
  return chosen;
}

/** JSON patch that fails if a container has become another one meanwhile. */
function patchOf(found: Found, pattern: string, change: EnvChange, mayOverwrite: boolean) {
  const { path, spec } = podSpecOf(found.object);
  const operations = chosenIn(found, pattern).flatMap(({ list, name, container }) => {
    const present = objectsOf(container['env']);
    if (!mayOverwrite) refuseOverwrite(present, change);
    const env = changed(present, change);
    if (equalJson(env, present)) return [];
    const index = objectsOf(spec[list]).findIndex((one) => one['name'] === name);
    const place = `/${[...path, list, index].join('/')}`;
    return [
      { op: 'test', path: `${place}/name`, value: name },
      ...(present.length > 0 ? [{ op: 'test', path: `${place}/env`, value: present }] : []),
      { op: 'add', path: `${place}/env`, value: env },
    ];
  });
  return operations.length === 0 ? undefined : operations;
}

interface Asked {
  readonly pattern: string;
  readonly isResolved: boolean;
  readonly mayOverwrite: boolean;
  /** What is set and removed in this document. */
  change(found: Found, client: Opened): Promise<EnvChange>;
}

/** The variables as they are, or as they would be with what is asked for. */
async function list(client: Opened, found: Found, asked: Asked): Promise<void> {
  const { pattern, isResolved, mayOverwrite } = asked;
  const change = await asked.change(found, client);
  for (const { name, container } of chosenIn(found, pattern)) {
    const present = objectsOf(container['env']);
    if (!mayOverwrite) refuseOverwrite(present, change);
    process.stdout.write(`# ${found.object.kind} ${found.name}, container ${name}\n`);
    const shown = { ...container, env: changed(present, change) };
    const text = await listVariables(found, shown, isResolved ? client : undefined, {
      lineOf: referenceText,
      tell: (line) => process.stderr.write(line),
    });
    process.stdout.write(text);
  }
}

function listEach(
  values: Setting['values'],
  words: readonly string[],
  asked: Asked,
): Promise<number> {
  if (values.output !== undefined) {
    throw new UsageError('--list and --output may not be specified together');
  }
  if (values.local === true) {
    return withOpened(values, (client) =>
      eachLocal(values, words, (found) => list(client, found, asked)),
    );
  }
  return forEachFound({ ...values, words }, 'set env', (client, found) =>
    list(async () => client, found, asked),
  );
}

export async function setEnv(args: readonly string[]): Promise<number> {
  const { values: all, words: given } = parseFlags('set', args, flags);
  const { containers: pattern = '*', env = [], from, keys, prefix = '', ...others } = all;
  const { list: isList = false, overwrite = true, resolve = false, ...values } = others;
  const words = given.filter((word) => !isEnvWord(word) && word !== '-');
  const said = await envChangeOf([...given.filter((word) => !words.includes(word)), ...env]);
  if (from !== undefined) sourceOf(from);
  const change: Asked['change'] = async ({ namespace }, client) => {
    if (from === undefined) return said;
    const more = { namespace, prefix, keys: listOf(keys) };
    return { ...said, set: [...said.set, ...(await variablesFrom(await client(), from, more))] };
  };
  if (isList) {
    const asked = { pattern, isResolved: resolve, mayOverwrite: overwrite, change };
    return listEach(values, words, asked);
  }
  const how = { command: 'set env', what: 'env updated', form: 'json' } as const;
  return setEach({ ...how, values, words }, async (found, client) =>
    patchOf(found, pattern, await change(found, client), overwrite),
  );
}
