/** `container.json`: whose the kept files are, what the container stands on and what is mounted in it. */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

export interface KeptMount {
  readonly target: string;
  /** On the host. */
  readonly source: string;
  readonly readonly: boolean;
}

export interface KeptContainer {
  readonly version: 1;
  /** Of the document, not of a Pod. */
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** The digest of the image's manifest. */
  readonly image: string;
  /** As the document names it; absent in what an earlier version wrote. */
  readonly reference?: string;
  readonly mounts: readonly KeptMount[];
}

const pathIn = (dir: string): string => join(dir, 'container.json');

/** On disk, whole, when it resolves. */
export async function writeRecord(dir: string, kept: KeptContainer): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const path = pathIn(dir);
  const text = JSON.stringify(kept);
  if ((await readFile(path, 'utf8').catch(() => '')) === text) return;
  const file = await open(`${path}.tmp`, 'w', 0o600);
  await file.writeFile(text).finally(() => file.close());
  await rename(`${path}.tmp`, path);
}

/** Undefined when there is none, or a start was interrupted before it was written. */
export async function readRecord(dir: string): Promise<KeptContainer | undefined> {
  try {
    const kept = JSON.parse(await readFile(pathIn(dir), 'utf8'));
    return kept?.version === 1 ? (kept as KeptContainer) : undefined;
  } catch {
    return undefined;
  }
}
