/** Takes a pod's directory away without ever leaving it: links are removed, not followed, mounts are not entered. */
import { lstat, readFile } from 'node:fs/promises';
import { runSteps } from '#native/spawn.ts';

/**
 * Removes a directory tree; nothing there is no error. Refuses while something is still mounted below it, because
 * removing through a mount would delete what belongs to others.
 */
export async function removeTree(dir: string): Promise<void> {
  const found = await lstat(dir).catch(() => undefined);
  if (found === undefined) return;
  const mounts = await mountsBelow(dir);
  if (mounts.length > 0) {
    throw new Error(`remove ${dir}: still mounted below it: ${mounts.join(', ')}`);
  }
  await runSteps([['remove', dir, '']]);
}

/** Mount points at or below a directory, the deepest first. */
export async function mountsBelow(dir: string): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  const points = table.split('\n').map((line) => unescaped(line.split(' ')[4] ?? ''));
  return points
    .filter((point) => point === dir || point.startsWith(`${dir}/`))
    .sort((a, b) => b.length - a.length);
}

/** proc(5): space, tab, newline and backslash are written as octal escapes. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
