/** `bay image`: archives to a node, the images a node holds. */
import { createReadStream, existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { RemoteClient } from '#api/client/client.ts';
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { imageOptions, type ListedImage, nodeNames, imagesPath as path } from '../images.ts';

async function load(client: RemoteClient, names: readonly string[], file: string): Promise<void> {
  if (file !== '-' && !existsSync(file)) throw new Error(`load ${file}: there is no such file`);
  if (file === '-' && names.length > 1) {
    throw new UsageError('standard input can be loaded to one node only: name it with --node');
  }
  for (const node of names) {
    const archive = file === '-' ? process.stdin : createReadStream(file);
    const headers = { 'content-type': 'application/x-tar' };
    const answer = await client.streamRequest('POST', path(node, '/load'), archive, { headers });
    const loaded = JSON.parse(await text(answer)) as ListedImage[];
    for (const { tags, id } of loaded) {
      process.stdout.write(`Loaded image: ${tags.join(', ') || id} (node ${node})\n`);
    }
  }
}

/** Commands of their own, with options of their own. */
const others: Readonly<Record<string, (rest: readonly string[]) => Promise<number>>> = {
  pull: async (rest) => (await import('./pull.ts')).run(rest),
  push: async (rest) => (await import('./push.ts')).run(rest),
  ls: async (rest) => (await import('./images.ts')).run(rest),
  rm: async (rest) => (await import('./rmi.ts')).run(rest),
  tag: async (rest) => (await import('./tag.ts')).run(rest),
  save: async (rest) => (await import('./save.ts')).run(rest),
  import: async (rest) => (await import('./import.ts')).run(rest),
  history: async (rest) => (await import('./history.ts')).run(rest),
  inspect: async (rest) => (await import('./inspect.ts')).run(rest, 'image'),
  prune: async (rest) => (await import('./system.ts')).run(['prune', ...rest], 'images'),
};

export async function run(args: readonly string[]): Promise<number> {
  const [verb = '', ...rest] = args;
  const other = Object.hasOwn(others, verb) ? others[verb] : undefined;
  if (other !== undefined) return other(rest);
  const { values, positionals } = parse(rest, imageOptions);
  const [file] = positionals;
  if (verb !== 'load' || file === undefined) {
    const verbs = [...Object.keys(others), 'load FILE'].join(', ');
    throw new UsageError(`use bay image with one of ${verbs}`);
  }
  const client = await openClient(values);
  try {
    await load(client, await nodeNames(client, values.node), file);
    return 0;
  } finally {
    client.close();
  }
}
