/**
 * Volumes with a name, `<dataDir>/volumes/<namespace>/<name>`: listed, made and removed. One that was made here and not used yet
 * has a mark beside it, `.fresh-<name>`: it begins with what the first image that mounts it has at its place, as Docker's do.
 */
import { lstat, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { failure } from '#api/resources/status.ts';
import { removeTree } from './removal.ts';

export interface NamedVolume {
  readonly namespace: string;
  readonly name: string;
  /** On the node. */
  readonly path: string;
  /** RFC 3339. */
  readonly createdAt: string;
}

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;
const namespacePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** Being begun with an image's content, or being removed. */
const unfinished = /\.making$|^\./;

/** Beside a volume that nobody has used yet. */
export const freshMark = (dir: string): string => join(dirname(dir), `.fresh-${basename(dir)}`);

export class NamedVolumes {
  readonly #root: string;

  constructor(dataDir: string) {
    this.#root = join(dataDir, 'volumes');
  }

  async list(): Promise<readonly NamedVolume[]> {
    const found: NamedVolume[] = [];
    for (const namespace of await names(this.#root)) {
      for (const name of await names(join(this.#root, namespace))) {
        const volume = unfinished.test(name) ? undefined : await this.find(namespace, name);
        if (volume !== undefined) found.push(volume);
      }
    }
    return found;
  }

  async find(namespace: string, name: string): Promise<NamedVolume | undefined> {
    const path = this.#path(namespace, name);
    const facts = await lstat(path).catch(() => undefined);
    if (facts?.isDirectory() !== true) return undefined;
    return { namespace, name, path, createdAt: facts.birthtime.toISOString() };
  }

  /** Makes an empty one, unless there is one of that name. @throws StatusError 400 for a name that is none */
  async create(namespace: string, name: string): Promise<NamedVolume> {
    const path = this.#path(namespace, name);
    if ((await this.find(namespace, name)) === undefined) {
      await mkdir(this.#root, { recursive: true, mode: 0o700 });
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      await writeFile(freshMark(path), '');
      await mkdir(path, { mode: 0o755 }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    }
    const made = await this.find(namespace, name);
    if (made === undefined) throw failure(409, 'Conflict', `${path} is in the way of the volume`);
    return made;
  }

  /** Resolves with the bytes that are free now. Whoever calls knows that nobody uses it. @throws StatusError 404 */
  async remove(namespace: string, name: string): Promise<number> {
    const path = this.#path(namespace, name);
    const bytes = await treeBytes(path);
    const away = join(dirname(path), `.removed-${name}`);
    await removeTree(away); // of a removal that was interrupted
    try {
      await rename(path, away);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw failure(404, 'NotFound', `get ${name}: no such volume`);
    }
    await rm(freshMark(path), { force: true });
    await removeTree(away);
    return bytes;
  }

  /** @throws StatusError 400 */
  #path(namespace: string, name: string): string {
    if (!namePattern.test(name) || name.endsWith('.making') || !namespacePattern.test(namespace)) {
      const why = `"${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`;
      throw failure(400, 'BadRequest', `create ${name}: ${why}`);
    }
    return join(this.#root, namespace, name);
  }
}

const names = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

/** The sum of the files below a directory; 0 when it is not there. Links are not followed. */
export async function treeBytes(directory: string): Promise<number> {
  let bytes = 0;
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) bytes += await treeBytes(path);
    else if (entry.isFile()) bytes += (await stat(path).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
}
