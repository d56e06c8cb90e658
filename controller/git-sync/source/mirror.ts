/** What we hold of a repository: a bare one of our own with the commits that were followed. No files are checked out. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Access, withAccess } from './access.ts';
import type { Address, Credentials } from './address.ts';
import { BlobReader } from './blob-reader.ts';
import { GitFailure, type GitOptions, git } from './git.ts';
import { type Entry, fileAt, maxFiles, SourceError, type Tree } from './tree.ts';

export interface MirrorLimits {
  /** For one command of git. */
  readonly timeoutMs: number;
  /** For all that is held. */
  readonly maxBytes: number;
}

export const usualLimits: MirrorLimits = { timeoutMs: 120_000, maxBytes: 512 * 1024 * 1024 };

/** Where a branch, tag or commit is now. */
export interface Tip {
  readonly commit: string;
  /** `refs/heads/main`; absent for a commit. */
  readonly ref?: string;
}

const commitPattern = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
/** Names that git takes for refs, and nothing that it could take for an option or a pattern. */
const refPattern = /^(?!-)(?!.*\.\.)[^\s~^:?*[\\\0]+$/;

/** Bytes of all files below, as far as they are there. */
function bytesBelow(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

export class Mirror {
  readonly #folder: string;
  readonly #limits: MirrorLimits;

  /** `folder` is made when it is needed; nobody else writes there. */
  constructor(folder: string, limits: MirrorLimits = usualLimits) {
    this.#folder = folder;
    this.#limits = limits;
  }

  /** Removes all that is held. */
  remove(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }

  /** Whether the commit is held, so that nobody needs to be asked for it. */
  async has(commit: string, signal?: AbortSignal): Promise<boolean> {
    if (!commitPattern.test(commit) || !this.#isThere()) return false;
    return this.#succeeds(['cat-file', '-e', `${commit}^{tree}`], signal);
  }

  /**
   * Asks the repository where the ref is, and fetches that commit unless it is held. `previous` is the commit followed
   * before: `rewritten` says that it is none of the new one's ancestors.
   */
  async follow(
    address: Address,
    ref: string,
    {
      secret,
      previous,
      signal,
    }: {
      readonly secret?: Credentials | undefined;
      readonly previous?: string | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<{ readonly tip: Tip; readonly rewritten: boolean }> {
    await this.#create(signal);
    if (commitPattern.test(ref) && (await this.has(ref, signal))) {
      return { tip: { commit: ref }, rewritten: false };
    }
    return withAccess(join(this.#folder, 'access'), address, secret, async (access) => {
      const tip = await this.#tip(address, ref, access, signal);
      if (await this.has(tip.commit, signal)) {
        const moved = previous !== undefined && previous !== tip.commit;
        const rewritten = moved && !(await this.#isAncestor(previous, tip.commit, signal));
        return { tip, rewritten };
      }
      const known = previous !== undefined && (await this.has(previous, signal));
      await this.#fetch(address, tip, known ? previous : undefined, access, signal);
      const rewritten = known && !(await this.#isAncestor(previous, tip.commit, signal));
      return { tip, rewritten };
    });
  }

  /** The files of a commit that is held. */
  async tree(commit: string, signal?: AbortSignal): Promise<Tree> {
    const listing = await this.#git(['ls-tree', '-r', '-z', '--long', '--full-tree', commit], {
      signal,
    });
    const entries = new Map<string, Entry & { readonly id: string }>();
    for (const line of listing.toString('utf8').split('\0')) {
      const [facts = '', path = ''] = line.split('\t');
      const [mode = '', , id = '', size = ''] = facts.split(/ +/);
      if (path === '') continue;
      const type = mode === '120000' ? 'link' : mode === '160000' ? 'submodule' : 'file';
      entries.set(path, { type, id, bytes: Number(size) || 0 });
      if (entries.size > maxFiles) {
        throw new SourceError('TooLarge', `the commit has more than ${maxFiles} files`);
      }
    }
    const blobs = new BlobReader((ids) =>
      this.#git(['cat-file', '--batch'], { signal, input: `${ids.join('\n')}\n` }),
    );
    const read = async (path: string) => {
      fileAt({ entries }, path);
      return blobs.read(entries.get(path)?.id ?? '');
    };
    return { revision: commit, entries, read };
  }

  #isThere(): boolean {
    return statSync(join(this.#folder, 'HEAD'), { throwIfNoEntry: false }) !== undefined;
  }

  async #create(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isThere()) {
      // What outgrew its limit is fetched anew, without its history.
      if (bytesBelow(this.#folder) <= this.#limits.maxBytes / 2) return;
      await this.remove();
    }
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(this.#folder, 'global-config'), '[safe]\n\tdirectory = *\n');
    await this.#git(['init', '--quiet', '--bare', '--template=', this.#folder], { signal });
  }

  #git(args: readonly string[], options: Partial<GitOptions> = {}): Promise<Buffer> {
    const { timeoutMs } = this.#limits;
    return git(args, { repository: this.#folder, timeoutMs, ...options });
  }

  async #succeeds(args: readonly string[], signal?: AbortSignal): Promise<boolean> {
    try {
      await this.#git(args, { signal });
      return true;
    } catch (error) {
      if (error instanceof GitFailure) return false;
      throw error;
    }
  }

  #isAncestor(old: string, commit: string, signal?: AbortSignal): Promise<boolean> {
    return this.#succeeds(['merge-base', '--is-ancestor', old, commit], signal);
  }

  async #tip(address: Address, ref: string, access: Access, signal?: AbortSignal): Promise<Tip> {
    if (commitPattern.test(ref)) return { commit: ref };
    if (!refPattern.test(ref)) {
      throw new SourceError(
        'Refused',
        `spec.source.ref: ${JSON.stringify(ref)} is no name of a branch or tag`,
      );
    }
    const names = ref.startsWith('refs/') ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`];
    const asked = [...names, ...names.map((name) => `${name}^{}`)];
    const args = ['ls-remote', '--', address.url, ...asked];
    const answer = await this.#remotely(args, address, { ...access, signal });
    const found = new Map(
      answer
        .toString()
        .split('\n')
        .map((line) => line.split('\t'))
        .map(([commit = '', name = '']) => [name, commit]),
    );
    for (const name of names) {
      // A tag with a message is an object of its own, which points to the commit.
      const commit = found.get(`${name}^{}`) ?? found.get(name);
      if (commit !== undefined && commitPattern.test(commit)) return { commit, ref: name };
    }
    throw new SourceError('NotFound', `${address.url} has no branch or tag ${JSON.stringify(ref)}`);
  }

  /** Without history; with the history since `previous`, if that is held, to see whether it was rewritten. */
  async #fetch(
    address: Address,
    { commit, ref = commit }: Tip,
    previous: string | undefined,
    access: Access,
    signal?: AbortSignal,
  ): Promise<void> {
    const { maxBytes } = this.#limits;
    const watch = () =>
      bytesBelow(this.#folder) > maxBytes
        ? new SourceError('TooLarge', `${address.url} needs more than ${maxBytes} bytes`)
        : undefined;
    const fetch = (since: string) => {
      const flags = [
        '--quiet',
        '--no-tags',
        '--no-recurse-submodules',
        '--no-write-fetch-head',
        since,
      ];
      const args = ['fetch', ...flags, '--', address.url, `+${ref}:refs/bayplan/followed`];
      return this.#remotely(args, address, { ...access, signal, watch });
    };
    if (previous !== undefined) {
      const time = await this.#git(['show', '-s', '--format=%ct', previous], { signal });
      try {
        await fetch(`--shallow-since=${Number(time.toString()) - 1}`);
        if (await this.has(commit, signal)) return;
      } catch (error) {
        // Nothing so new is in its history: it was rewritten.
        if (!(error instanceof SourceError) || error.reason !== 'Unreachable') throw error;
      }
    }
    await fetch('--depth=1');
    const late = watch();
    if (late !== undefined) {
      await this.remove();
      throw late;
    }
    if (await this.has(commit, signal)) return;
    // It moved between our two questions.
    throw new SourceError('Unreachable', `${address.url} moved while it was fetched; asking again`);
  }

  async #remotely(
    args: readonly string[],
    address: Address,
    options: Partial<GitOptions>,
  ): Promise<Buffer> {
    try {
      return await this.#git(args, options);
    } catch (error) {
      if (!(error instanceof GitFailure)) throw error;
      throw new SourceError('Unreachable', `read ${address.url}: ${error.message}`, {
        cause: error,
      });
    }
  }
}
