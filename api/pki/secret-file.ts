/** Files that only their owner may read. */
import { open, rename, rm } from 'node:fs/promises';

/** Writes the file whole or not at all (temporary file, fsync, rename), mode 0600. */
export async function writeSecret(path: string, content: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
