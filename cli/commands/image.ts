/** `bay image`: archives to a node, the images a node holds. */
import { createReadStream, existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { RemoteClient } from '#api/client/client.ts';
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import {
  imageOptions,
  imagesOf,
  type ListedImage,
  nodeNames,
  imagesPath as path,
} from '../images.ts';
import { renderTable } from '../table.ts';

const options = {
  ...imageOptions,
  quiet: { type: 'boolean', short: 'q' },
} as const;

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

async function list(client: RemoteClient, names: readonly string[], quiet: boolean) {
  const rows: string[][] = [];
  for (const node of names) {
    for (const { id, tags, sizeBytes } of await imagesOf(client, node)) {
      const short = id.replace('sha256:', '').slice(0, 12);
      for (const tag of tags.length === 0 ? ['<none>'] : tags) {
        rows.push([tag, short, `${(sizeBytes / 1e6).toFixed(2)}MB`, node]);
      }
    }
  }
  const headings = ['REFERENCE', 'IMAGE ID', 'SIZE', 'NODE'];
  if (quiet) process.stdout.write(rows.map((row) => `${row[1]}\n`).join(''));
  else process.stdout.write(`${renderTable(headings, rows)}\n`);
}

async function perform(
  client: RemoteClient,
  words: readonly string[],
  names: readonly string[],
  quiet: boolean,
): Promise<void> {
  const [verb, first, second] = words;
  if (verb === 'load' && first !== undefined) return load(client, names, first);
  if (verb === 'ls') return list(client, names, quiet);
  if (verb === 'rm' && first !== undefined) {
    for (const node of names) {
      await client.request('DELETE', path(node, `/${encodeURIComponent(first)}`));
    }
    return;
  }
  if (verb === 'tag' && first !== undefined && second !== undefined) {
    const query = new URLSearchParams({ source: first, target: second });
    for (const node of names) await client.request('POST', path(node, `/tag?${query}`));
    return;
  }
  throw new UsageError(
    'use image load FILE, image pull NAME, image push NAME, image ls, image rm REFERENCE or image tag SOURCE TARGET',
  );
}

export async function run(args: readonly string[]): Promise<number> {
  // They are commands of their own, with options of their own.
  if (args[0] === 'pull') return (await import('./pull.ts')).run(args.slice(1));
  if (args[0] === 'push') return (await import('./push.ts')).run(args.slice(1));
  const { values, positionals } = parse(args, options);
  const client = await openClient(values);
  try {
    const names = await nodeNames(client, values.node);
    await perform(client, positionals, names, values.quiet === true);
    return 0;
  } finally {
    client.close();
  }
}
