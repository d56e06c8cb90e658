/** The files of a revision, given as text; `null` is a symbolic link. */
import { fileAt, type Tree } from '#controller/git-sync/source/tree.ts';

export function memoryTree(files: Readonly<Record<string, string | null>>): Tree {
  const entries = new Map(
    Object.entries(files).map(([path, text]) => [
      path,
      { type: text === null ? ('link' as const) : ('file' as const), bytes: text?.length ?? 0 },
    ]),
  );
  return {
    revision: 'test',
    entries,
    read: async (path) => {
      fileAt({ entries }, path);
      return Buffer.from(files[path] ?? '');
    },
  };
}
