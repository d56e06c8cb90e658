/** The files of one revision, wherever they are. Paths are relative, with `/`, and never lead out. */

export interface Entry {
  readonly type: 'file' | 'link' | 'submodule';
  readonly bytes: number;
}

export interface Tree {
  /** The commit, or the digest of a directory's files. */
  readonly revision: string;
  readonly entries: ReadonlyMap<string, Entry>;
  /** @throws SourceError if there is no such file, or it is a link, a submodule or too large */
  read(path: string): Promise<Buffer>;
}

/** What is wrong with a source, in one word for the condition and one sentence for people. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly reason: string;

  constructor(reason: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}

/** No file of documents is larger than this; etcd would not take what is in it. */
export const maxFileBytes = 8 * 1024 * 1024;
/** Files of one revision; more are somebody's home directory. */
export const maxFiles = 50_000;

/**
 * The path that `path` means, seen from `folder`: `joined('apps/web', '../base')` is `apps/base`, the root is `''`.
 * @throws Error if it leads out of the tree
 */
export function joined(folder: string, path: string): string {
  if (path.startsWith('/')) throw new Error(`${path}: an absolute path; paths begin in the folder`);
  const steps: string[] = [];
  for (const step of `${folder}/${path}`.split('/')) {
    if (step === '' || step === '.') continue;
    if (step !== '..') steps.push(step);
    else if (steps.pop() === undefined) throw new Error(`${path}: leads out of the repository`);
  }
  return steps.join('/');
}

/** The entry at a path, if a person may read it. @throws SourceError */
export function fileAt(tree: Pick<Tree, 'entries'>, path: string): Entry {
  const entry = tree.entries.get(path);
  if (entry === undefined) throw new SourceError('NotFound', `${path}: there is no such file`);
  if (entry.type === 'link') {
    throw new SourceError('Refused', `${path}: is a symbolic link; links are not followed`);
  }
  if (entry.type === 'submodule') {
    throw new SourceError('Refused', `${path}: is a submodule; submodules are not fetched`);
  }
  if (entry.bytes > maxFileBytes) {
    throw new SourceError(
      'TooLarge',
      `${path}: has ${entry.bytes} bytes, more than ${maxFileBytes}`,
    );
  }
  return entry;
}

/** Whether any file lies in the folder; the root is `''`. */
export function hasFolder({ entries }: Pick<Tree, 'entries'>, folder: string): boolean {
  if (folder === '') return entries.size > 0;
  for (const path of entries.keys()) if (path.startsWith(`${folder}/`)) return true;
  return false;
}
