/**
 * Runs the git binary: by argument vector, with nothing of this machine's or the repository's configuration that could
 * run a program: no hooks, no helpers, no submodules, no protocols but those named. Never longer, never more than told.
 */
import { spawn } from 'node:child_process';
import { SourceError } from './tree.ts';

/** Given before every command; what a repository says of itself counts less. */
const settings: Readonly<Record<string, string>> = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.symlinks': 'false',
  'core.askPass': '',
  'credential.helper': '',
  'fetch.recurseSubmodules': 'false',
  'submodule.recurse': 'false',
  'protocol.allow': 'never',
  'protocol.file.allow': 'always',
  'protocol.http.allow': 'always',
  'protocol.https.allow': 'always',
  'protocol.ssh.allow': 'always',
  'transfer.fsckObjects': 'true',
  'transfer.bundleURI': 'false',
  'http.followRedirects': 'false',
  'http.lowSpeedLimit': '1',
  'http.lowSpeedTime': '30',
  'gc.auto': '0',
  'maintenance.auto': 'false',
};

export interface GitOptions {
  /** The bare repository it works on. */
  readonly repository: string;
  readonly timeoutMs: number;
  /** More output than this ends it. */
  readonly maxBytes?: number;
  /** Settings with secrets: they come by the environment, which nobody else can read. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
  /** Asked twice a second; what it answers ends git. */
  readonly watch?: () => SourceError | undefined;
}

/** It ended with another exit code than 0. */
export class GitFailure extends Error {
  override readonly name = 'GitFailure';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

function environment({ env = {}, secrets = {}, repository }: GitOptions): NodeJS.ProcessEnv {
  const named = Object.entries(secrets);
  const values = named.flatMap(([key, value], i) => [
    [`GIT_CONFIG_KEY_${i}`, key],
    [`GIT_CONFIG_VALUE_${i}`, value],
  ]);
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: repository,
    LC_ALL: 'C',
    GIT_DIR: repository,
    GIT_CONFIG_NOSYSTEM: '1',
    // Upload-pack of a repository that belongs to somebody else asks for this; it runs no program of that one's choice.
    GIT_CONFIG_GLOBAL: `${repository}/global-config`,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'file:http:https:ssh',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_CONFIG_COUNT: String(named.length),
    ...Object.fromEntries(values),
    ...env,
  };
}

const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);

/** What git says, without the words that help nobody, on one line. */
function plain(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.replace(/^(fatal|error|remote|warning): /, '').trim())
    .filter((line) => line !== '' && !line.startsWith('hint:'));
  return [...new Set(lines)].slice(0, 4).join('; ').slice(0, 600);
}

/**
 * Resolves with what it wrote to standard output.
 * @throws GitFailure with what it wrote to standard error; SourceError if it took too long, wrote too much or is missing
 */
export function git(args: readonly string[], options: GitOptions): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const { timeoutMs, maxBytes = 64 * 1024 * 1024, signal } = options;
  // A group of its own, so that git's own children (ssh, git-remote-https) end with it.
  const child = spawn('git', [...flags, ...args], {
    cwd: '/',
    env: environment(options),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let problem: Error | undefined;
  const end = (error: Error) => {
    problem ??= error;
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  };
  const chunks: Buffer[] = [];
  let bytes = 0;
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes > maxBytes) end(new SourceError('TooLarge', `git wrote more than ${maxBytes} bytes`));
  });
  child.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length < 16_384) stderr += chunk.toString();
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const late = setTimeout(
    () =>
      end(new SourceError('TimedOut', `git ${args[0]} took longer than ${timeoutMs / 1_000} s`)),
    timeoutMs,
  );
  const watching = setInterval(() => {
    const found = options.watch?.();
    if (found !== undefined) end(found);
  }, 500);
  const abort = () => end(new SourceError('Stopped', 'the controller was stopped'));
  signal?.addEventListener('abort', abort, { once: true });
  const done = () => {
    clearTimeout(late);
    clearInterval(watching);
    signal?.removeEventListener('abort', abort);
  };
  child.once('error', (error) => {
    done();
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const text = why ? 'git is not installed on this machine; install it' : error.message;
    reject(new SourceError('NoGit', `run git: ${text}`, { cause: error }));
  });
  child.once('close', (code) => {
    done();
    if (problem !== undefined) reject(problem);
    else if (code === 0) resolve(Buffer.concat(chunks));
    else reject(new GitFailure(code ?? 255, plain(stderr) || `git ${args[0]} ended with ${code}`));
  });
  return promise;
}
