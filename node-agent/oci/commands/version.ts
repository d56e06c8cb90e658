/** `--version`, in the lines that callers take apart. */

import { readFileSync } from 'node:fs';
import { ociVersionMax } from '../versions.ts';

export function run(): number {
  const file = new URL('../../../package.json', import.meta.url);
  const { version = '0.0.0' } = JSON.parse(readFileSync(file, 'utf8')) as { version?: string };
  process.stdout.write(`bay-oci version ${version}\nspec: ${ociVersionMax}\n`);
  return 0;
}
