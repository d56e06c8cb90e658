/** `bay secrets rotate`: a new key encrypts the cluster's Secrets at rest. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { encryptionFile, rotateEncryptionKeys } from '#api/pki/encryption-keys.ts';
import { clusterOptions, parse, UsageError } from '../arguments.ts';
import { clusterOf } from '../cluster.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, clusterOptions);
  if (positionals.length !== 1 || positionals[0] !== 'rotate') {
    throw new UsageError("say what to do with them: 'bay secrets rotate'");
  }
  const path = join(clusterOf(values).pki, encryptionFile);
  if (!existsSync(path)) {
    throw new Error(`there is no ${path}; start the cluster once with 'bay up'`);
  }
  const name = await rotateEncryptionKeys(path);
  process.stdout.write(
    `${name} encrypts from now on; a running API server writes all secrets again under it within seconds\n` +
      `the keys before stay in ${path}: backups of the store need them\n`,
  );
  return 0;
}
