/** `bay load`: images of an archive, or of a directory with an OCI layout, to the nodes. */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { imageOptions, imagesPath, type ListedImage, nodeNames, shortName } from '../images.ts';
import { packed } from '../local-tar.ts';

const options = {
  ...imageOptions,
  input: { type: 'string', short: 'i' },
  quiet: { type: 'boolean', short: 'q' },
} as const;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const file = values.input ?? positionals[0];
  if (positionals.length > 1) throw new UsageError('name one archive: bay load [-i FILE]');
  if (file !== undefined && !existsSync(file)) {
    throw new Error(`open ${file}: no such file or directory`);
  }
  if (file === undefined && process.stdin.isTTY) {
    throw new Error('requested load from stdin, but stdin is empty');
  }
  const client = await openClient(values);
  try {
    const names = await nodeNames(client, values.node);
    if (file === undefined && names.length > 1) {
      throw new UsageError('standard input can be loaded to one node only: name it with --node');
    }
    const told = new Set<string>();
    for (const node of names) {
      const body = file === undefined ? process.stdin : contentOf(file);
      const headers = { 'content-type': 'application/x-tar' };
      const answer = await client.streamRequest('POST', imagesPath(node, '/load'), body, {
        headers,
      });
      for (const { id, tags } of JSON.parse(await text(answer)) as ListedImage[]) {
        for (const tag of tags) told.add(`Loaded image: ${familiar(tag)}`);
        if (tags.length === 0) told.add(`Loaded image ID: ${id}`);
      }
    }
    process.stdout.write([...told].map((line) => `${line}\n`).join(''));
    return 0;
  } finally {
    client.close();
  }
}

/** @throws Error for a directory that is no OCI layout (image-spec, image-layout.md) */
function contentOf(file: string): Readable {
  if (!statSync(file).isDirectory()) return createReadStream(file);
  if (existsSync(join(file, 'oci-layout')) && existsSync(join(file, 'index.json'))) {
    return packed(file, '', { follow: true });
  }
  throw new Error(
    `load ${file}: the directory is no OCI layout (it has no oci-layout and index.json)`,
  );
}

function familiar(name: string): string {
  const { repository, tag } = shortName(name);
  return `${repository}:${tag}`;
}
