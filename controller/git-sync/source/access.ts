/** How git gets in with what a Secret holds: files that are there while it runs, and for it alone. */
import { rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Address, type Credentials, httpSettings, sshCommand, sshKeys } from './address.ts';
import type { GitOptions } from './git.ts';

export type Access = Pick<GitOptions, 'env' | 'secrets'>;

/** Makes the folder for as long as the work lasts. @throws SourceError if the Secret lacks something */
export async function withAccess<T>(
  folder: string,
  address: Address,
  secret: Credentials | undefined,
  work: (access: Access) => Promise<T>,
): Promise<T> {
  const place = (name: string) => join(folder, name);
  rmSync(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  const write = (name: string, text: string) => writeFile(place(name), text, { mode: 0o600 });
  try {
    if (address.scheme === 'ssh') {
      const { key, hosts } = sshKeys(secret);
      await Promise.all([write('key', key), write('hosts', hosts)]);
      const command = sshCommand({ key: place('key'), hosts: place('hosts') });
      return await work({ env: { GIT_SSH_COMMAND: command, GIT_SSH_VARIANT: 'ssh' } });
    }
    if (address.scheme === 'file' || secret === undefined) return await work({});
    await write('ca.crt', secret['ca.crt'] ?? '');
    return await work({ secrets: httpSettings(address, secret, place('ca.crt')) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
