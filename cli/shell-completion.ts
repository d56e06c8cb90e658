/** `bay completion bash|zsh`: what a shell reads to complete command lines; `bay completion -- WORD…`: what it asks then. */
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import { images, nodes } from '#api/resources/resource-types.ts';
import { UsageError } from './arguments.ts';
import { commands } from './commands.ts';
import { bashScript, candidates, splitNamespace, type Wanted, zshScript } from './completion.ts';
import { openClient } from './connection.ts';
import { containersOf } from './container.ts';
import { discover, typeNamed } from './discovery.ts';
import { nameOf } from './find-container.ts';

/** Nobody waits longer for a word. */
const askMs = 2_000;

async function named(
  client: RemoteClient,
  wanted: Wanted,
  words: readonly string[],
  namespace: string,
): Promise<string[]> {
  if (wanted === 'containers')
    return (await containersOf(client).list({ namespace })).items.map(nameOf);
  if (wanted === 'images') {
    const { items } = await client
      .collection<ApiObject & { spec?: { tags?: string[] } }>(images)
      .list();
    return items.flatMap(({ metadata, spec }) => spec?.tags ?? [metadata.name]);
  }
  if (wanted === 'nodes') {
    const { items } = await client.collection<ApiObject>(nodes).list();
    return items.map(({ metadata }) => metadata.name);
  }
  const types = await discover(client);
  if (wanted === 'types') return [...new Set(types.map(({ plural }) => plural))];
  const [first = ''] = words
    .slice(words[0] === 'set' ? 2 : 1)
    .filter((word) => !word.startsWith('-'));
  const type = typeNamed(types, first);
  const { items } = await client
    .collection<ApiObject>(type)
    .list(type.namespaced ? { namespace } : {});
  return items.map(({ metadata }) => metadata.name);
}

async function complete(all: readonly string[]): Promise<void> {
  const { namespace, rest: words } = splitNamespace(all);
  const { fixed, wanted } = candidates(commands, words);
  if (wanted === 'files') {
    process.stdout.write(':files\n');
    return;
  }
  const last = words.at(-1) ?? '';
  const found = [...fixed];
  if (wanted !== 'nothing') {
    const client = await openClient({});
    const late = setTimeout(() => process.exit(0), askMs);
    try {
      const names = await named(client, wanted, words, namespace);
      found.push(...names.filter((name) => name.startsWith(last)));
    } finally {
      clearTimeout(late);
      client.close();
    }
  }
  process.stdout.write(found.map((name) => `${name}\n`).join(''));
}

/** It knows all commands, so it is none of them. Resolves with the exit code. */
export async function completion(args: readonly string[]): Promise<number> {
  const [shell, ...words] = args;
  if (shell === '--') {
    // A shell that asks wants words, not why there are none.
    await complete(words).catch(() => undefined);
    return 0;
  }
  if (shell !== 'bash' && shell !== 'zsh') {
    throw new UsageError('say for which shell: source <(bay completion bash), or zsh');
  }
  process.stdout.write(shell === 'bash' ? bashScript : zshScript);
  return 0;
}
