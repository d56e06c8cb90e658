/** A real etcd for a test file: a child on a Unix socket in a temporary directory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { type EtcdProcess, startEtcd } from '#api/storage/etcd-process.ts';

/** A new directory under the machine's temporary one; gone when the test ends. */
export async function temporaryDirectory(t: Pick<Test, 'teardown'>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bayplan-storage-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Started, perhaps not answering yet; it is stopped and its directory removed when the test ends. */
export async function startTestEtcd(t: Pick<Test, 'teardown'>): Promise<EtcdProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'bayplan-storage-'));
  const etcd = await startEtcd({ dataDir: join(directory, 'etcd') });
  t.teardown(async () => {
    await etcd.stop();
    await rm(directory, { recursive: true, force: true });
  });
  return etcd;
}
