/** Where a command writes an archive: the file of `-o`, else standard output. */
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Throws for a terminal, in docker's words: it shows no archives. Before the server is asked for one. */
export function refuseTerminal(output: string | undefined): void {
  if (output !== undefined || !process.stdout.isTTY) return;
  throw new Error('cowardly refusing to save to a terminal. Use the -o flag or redirect');
}

export function writeArchive(tar: Readable, output: string | undefined): Promise<void> {
  return pipeline(tar, output === undefined ? process.stdout : createWriteStream(output));
}
