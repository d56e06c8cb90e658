/** Reads the documents of GitSyncs: from repositories through mirrors of ours, and from directories of this machine. */
import { type FSWatcher, watch } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '#api/client/collection.ts';
import { secrets } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Secret } from '#api/resources/types.ts';
import type { Fetched, FetchRequest, Reader } from '../sources.ts';
import type { GitSync } from '../types.ts';
import { type Credentials, readAddress } from './address.ts';
import { directoryTree } from './directory.ts';
import { Mirror, type MirrorLimits, usualLimits } from './mirror.ts';
import { SourceError, type Tree } from './tree.ts';

/** Several files change at once, and one after another. */
const calmMs = 100;

const pathOf = ({ spec }: GitSync): string => spec.path ?? '.';

export class SourceReader implements Reader {
  readonly #client: Client;
  readonly #folder: string;
  readonly #limits: MirrorLimits;

  /** Mirrors are kept below `folder`, which is ours alone. */
  constructor(client: Client, folder: string, limits: MirrorLimits = usualLimits) {
    this.#client = client;
    this.#folder = folder;
    this.#limits = limits;
  }

  async fetch(request: FetchRequest, signal: AbortSignal): Promise<Fetched | 'same'> {
    const { sync, previous, known } = request;
    const { url, directory, ref = 'main' } = sync.spec.source;
    if ((url === undefined) === (directory === undefined)) {
      throw new SourceError('Refused', 'spec.source: needs either url or directory');
    }
    if (directory !== undefined) {
      const tree = await directoryTree(directory);
      return tree.revision === known ? 'same' : this.#rendered(sync, tree, { ref: directory });
    }
    const address = readAddress(url ?? '');
    const mirror = this.#mirror(sync);
    const secret = await this.#credentials(sync, signal);
    const { tip, rewritten } = await mirror.follow(address, ref, { secret, previous, signal });
    if (tip.commit === known) return 'same';
    const tree = await mirror.tree(tip.commit, signal);
    const found = tip.ref === undefined ? {} : { ref: ref.replace(/^refs\/(heads|tags)\//, '') };
    return this.#rendered(sync, tree, { ...found, ...(rewritten ? { rewritten: previous } : {}) });
  }

  async held({ sync, previous }: FetchRequest, signal: AbortSignal): Promise<Fetched | undefined> {
    if (previous === undefined || sync.spec.source.url === undefined) return undefined;
    const mirror = this.#mirror(sync);
    if (!(await mirror.has(previous, signal))) return undefined;
    return this.#rendered(sync, await mirror.tree(previous, signal), {});
  }

  /** Repositories and directories of this machine tell by inotify; all others are asked. */
  watch(sync: GitSync, changed: () => void): () => void {
    const { url, directory } = sync.spec.source;
    const watchers: FSWatcher[] = [];
    let timer: NodeJS.Timeout | undefined;
    const soon = () => {
      clearTimeout(timer);
      timer = setTimeout(changed, calmMs);
    };
    const follow = (path: string, recursive: boolean) => {
      try {
        const watcher = watch(path, { recursive, persistent: false }, soon);
        watcher.on('error', () => watcher.close());
        watchers.push(watcher);
      } catch {
        // It is not there (yet): it is asked from time to time.
      }
    };
    if (directory !== undefined) follow(directory, true);
    else if (url?.startsWith('file:///') === true && URL.canParse(url)) {
      for (const root of repositoryFolders(url)) {
        follow(join(root, 'refs'), true);
        follow(root, false);
      }
    }
    return () => {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    };
  }

  forget(uid: string): Promise<void> {
    return rm(join(this.#folder, uid), { recursive: true, force: true });
  }

  async sweep(uids: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    await Promise.all(names.filter((name) => !uids.has(name)).map((name) => this.forget(name)));
  }

  #mirror({ metadata }: GitSync): Mirror {
    return new Mirror(join(this.#folder, metadata.uid ?? ''), this.#limits);
  }

  async #rendered(sync: GitSync, tree: Tree, found: Partial<Fetched>): Promise<Fetched> {
    // Not small, and not needed where no GitSync is.
    const { render } = await import('../render/render.ts');
    return { revision: tree.revision, ...found, rendered: await render(tree, pathOf(sync)) };
  }

  async #credentials({ metadata, spec }: GitSync, signal: AbortSignal) {
    const name = spec.source.secret;
    if (name === undefined) return undefined;
    const { namespace = 'default' } = metadata;
    try {
      const secret = await this.#client
        .collection<Secret>(secrets)
        .get({ namespace, name }, signal);
      return Object.fromEntries(
        Object.entries(secret.data ?? {}).map(([key, value]) => [key, decoded(value)]),
      ) satisfies Credentials;
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      const message = `spec.source.secret: there is no Secret ${name} in the namespace ${namespace}`;
      throw new SourceError('NoSecret', message);
    }
  }
}

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');

/** A bare repository, or the one in a working directory. */
function repositoryFolders(url: string): string[] {
  try {
    const path = fileURLToPath(url);
    return [path, join(path, '.git')];
  } catch {
    return [];
  }
}
