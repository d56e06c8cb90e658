/** What can be seen of a tree of files. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** A tree as it can be seen: kinds, modes, owners, contents; times of what was not made just now. */
export function treeOf(root: string, path = ''): string[] {
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name) => {
      const at = join(path, name);
      const { mode, uid, gid, rdev, mtimeMs, nlink } = lstatSync(join(root, at));
      const kind = mode & 0o170_000;
      const time = mtimeMs < 1.1e12 ? Math.floor(mtimeMs / 1000) : 'now';
      const own = `${at} ${mode.toString(8)} ${uid}:${gid} ${rdev}`;
      if (kind === 0o040_000) return [`${own} ${time}`, ...treeOf(root, at)];
      if (kind === 0o120_000) return [`${own} -> ${readlinkSync(join(root, at))}`];
      const content = kind === 0o100_000 ? readFileSync(join(root, at), 'utf8') : '';
      return [`${own} ${nlink} ${time} ${JSON.stringify(content)}`];
    });
}
