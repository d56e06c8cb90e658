/** Git repositories of a test's own: a bare one that is followed, and a working directory that pushes to it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const identity = {
  GIT_AUTHOR_NAME: 'test',
  GIT_AUTHOR_EMAIL: 'test@example.org',
  GIT_COMMITTER_NAME: 'test',
  GIT_COMMITTER_EMAIL: 'test@example.org',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
};

export class GitRepository {
  /** The bare repository. */
  readonly path: string;
  readonly #work: string;
  /** Commits get times of their own: histories go by them. */
  #time = Math.floor(Date.now() / 1_000) - 100_000;

  constructor(folder: string) {
    this.path = join(folder, 'fleet.git');
    this.#work = join(folder, 'work');
    mkdirSync(this.#work, { recursive: true });
    this.git('init', '--quiet', '--bare', '--initial-branch=main', this.path);
    this.git('init', '--quiet', '--initial-branch=main', this.#work);
    this.git('remote', 'add', 'origin', this.path);
  }

  get url(): string {
    return `file://${this.path}`;
  }

  git(...args: string[]): string {
    this.#time += 60;
    const date = `${this.#time} +0000`;
    const env = { ...process.env, ...identity, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    return execFileSync('git', args, { cwd: this.#work, env, encoding: 'utf8', stdio: 'pipe' });
  }

  /** Writes the files (null removes one), commits and pushes; gives the commit. */
  push(files: Readonly<Record<string, string | null>>, branch = 'main'): string {
    this.commit(files);
    this.git('push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`);
    return this.head;
  }

  commit(files: Readonly<Record<string, string | null>>): void {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.#work, name);
      mkdirSync(dirname(path), { recursive: true });
      if (text === null) rmSync(path, { recursive: true });
      else writeFileSync(path, text);
    }
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '-m', 'change');
  }

  get head(): string {
    return this.git('rev-parse', 'HEAD').trim();
  }
}
