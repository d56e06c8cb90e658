/** Directories of one test file, removed when it ends. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

/** Gives a new empty directory, alone in its parent, at each call. */
export function scratch(name: string): () => string {
  const base = mkdtempSync(join(tmpdir(), `bayplan-test-${name}-`));
  t.teardown(() => rmSync(base, { recursive: true, force: true }));
  let number = 0;
  return () => {
    const directory = join(base, String(number++), 'here');
    mkdirSync(directory, { recursive: true });
    return directory;
  };
}

/** Ends a test file that cannot run without root. */
export function needsRoot(): void {
  if (process.getuid?.() === 0) return;
  t.pass('skipped', { skip: 'needs root' });
  process.exit();
}
