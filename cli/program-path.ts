/** Where our programs are. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const home = resolve(import.meta.dirname, '..');

/** The file to run for a program named by its path below the project: what setup packed (`pack.mjs`), else its source. */
export function programPath(program: string): string {
  const packed = join(home, 'node_modules/.cache/packed', program.replace(/\.ts$/, '.mjs'));
  return existsSync(packed) ? packed : join(home, program);
}

/** This project's version, as package.json says it. */
export const programVersion = (): string =>
  JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')).version;
