/** `bay image`: archives to a node, the images a node holds. */
import { createReadStream, existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { RemoteClient } from '#api/client/client.ts';
import { nodes } from '#api/resources/resource-types.ts';
import type { Node } from '#api/resources/types.ts';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { renderTable } from '../table.ts';

const options = {
  ...clientOptions,
  node: { type: 'string' },
  quiet: { type: 'boolean', short: 'q' },
} as const;

interface ListedImage {
  readonly id: string;
  readonly tags: readonly string[];
  readonly sizeBytes: number;
}

/** The nodes asked: the one named, or all. */
async function nodeNames(client: RemoteClient, named: string | undefined): Promise<string[]> {
  if (named !== undefined) return [named];
  const { items } = await client.collection<Node>(nodes).list();
  return items.map(({ metadata }) => metadata.name);
}

const path = (node: string, rest: string): string => `/api/v1/nodes/${node}/proxy/images${rest}`;

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
    const images = (await client.request('GET', path(node, ''))) as ListedImage[];
    for (const { id, tags, sizeBytes } of images) {
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
    'use image load FILE, image ls, image rm REFERENCE or image tag SOURCE TARGET',
  );
}

export async function run(args: readonly string[]): Promise<number> {
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
