/** `bay set env`: sets, removes and lists the variables of containers of workloads. */
import type { RemoteClient } from '#api/client/client.ts';
import { equalJson, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import { UsageError } from '../arguments.ts';
import { listOf } from '../create/kind.ts';
import { changeFlags } from '../documents/change.ts';
import { forEachFound } from '../documents/each.ts';
import { parseFlags } from '../documents/flags.ts';
import type { Found } from '../documents/select.ts';
import { setEach } from './change-spec.ts';
import { referenceText, resolvedValue, sourceOf, variablesFrom } from './env-source.ts';
import { type EnvChange, envChangeOf, isEnvWord } from './env-words.ts';
import { type Chosen, chosenContainers, podSpecOf } from './pod-spec.ts';

const text = { type: 'string' } as const;
const flags = {
  ...changeFlags,
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

async function list(client: RemoteClient, found: Found, pattern: string, isResolved: boolean) {
  for (const { name, container } of chosenIn(found, pattern)) {
    process.stdout.write(`# ${found.object.kind} ${found.name}, container ${name}\n`);
    for (const one of objectsOf(container['env'])) {
      const from = objectOr(one['valueFrom']);
      if (one['valueFrom'] === undefined) {
        process.stdout.write(`${one['name']}=${stringOr(one['value'])}\n`);
        continue;
      }
      const value = isResolved ? await resolvedValue(client, from, found.namespace) : undefined;
      const line = `# ${one['name']} from ${referenceText(from)}`;
      process.stdout.write(value === undefined ? `${line}\n` : `${one['name']}=${value}\n`);
    }
  }
}

export async function setEnv(args: readonly string[]): Promise<number> {
  const { values: all, words: given } = parseFlags('set', args, flags);
  const { containers: pattern = '*', env = [], from, keys, prefix = '', ...others } = all;
  const { list: isList = false, overwrite = true, resolve = false, ...values } = others;
  const words = given.filter((word) => !isEnvWord(word) && word !== '-');
  const asked = await envChangeOf([...given.filter((word) => !words.includes(word)), ...env]);
  if (from !== undefined) sourceOf(from);
  const isEmpty = asked.set.length === 0 && asked.remove.size === 0 && from === undefined;
  if (isList && isEmpty) {
    return forEachFound({ ...values, words }, 'set env', (client, found) =>
      list(client, found, pattern, resolve),
    );
  }
  if (isEmpty) throw new UsageError('at least one environment variable must be provided');
  if (isList) throw new UsageError('--list shows what is set: give no variables with it');
  const how = { command: 'set env', what: 'env updated', form: 'json' } as const;
  return setEach({ ...how, values, words }, async (found, client) => {
    const { namespace } = found;
    const more = { namespace, prefix, keys: listOf(keys) };
    const read = from === undefined ? [] : await variablesFrom(client, from, more);
    return patchOf(found, pattern, { ...asked, set: [...asked.set, ...read] }, overwrite);
  });
}
