/** A whole cluster of our own for an end-to-end test: `bay up` in directories of its own, driven with real kubectl. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const home = resolve(import.meta.dirname, '../..');
const bay = join(home, 'bay');

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; a failing exit code is an answer, not an error. */
export function run(
  command: string,
  args: readonly string[],
  options: {
    readonly input?: string | Buffer;
    readonly env?: Record<string, string>;
    readonly timeoutMs?: number;
  } = {},
): Promise<Output> {
  return new Promise((done) => {
    const settings = {
      env: { ...process.env, ...options.env },
      maxBuffer: 64 << 20,
      timeout: options.timeoutMs ?? 120_000,
    };
    const child = execFile(command, args, settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
      done({ code, stdout, stderr });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
  });
}

/** Where the next cluster of this process looks for a port: processes are a few ports apart. */
let nextPort = 20_300 + ((process.pid * 7) % 4_000);

/** Below those that the kernel gives out: nobody is given it before the cluster listens, or between two of its lives. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = nextPort++;
    const isFree = await new Promise<boolean>((done) => {
      const server = createServer().once('error', () => done(false));
      server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
    });
    if (isFree) return port;
  }
}

/**
 * Asks every 50 ms until the answer is not `undefined`; throws after the deadline, saying what was waited for. The deadline
 * tells never from late: a second's work on a machine of one's own can take long on one that is shared by many.
 */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  deadlineMs = 100_000,
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${deadlineMs} ms for ${what}`);
    await sleep(50);
  }
}

export class TestCluster {
  readonly name: string;
  readonly folder: string;
  readonly port: number;
  #up: ChildProcess | undefined;
  #output = '';

  private constructor(name: string, folder: string, port: number) {
    this.name = name;
    this.folder = folder;
    this.port = port;
  }

  /** Makes the directories; `up` starts it. */
  static async create(): Promise<TestCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'bay-e2e-'));
    return new TestCluster(`t${process.pid}`, folder, await freePort());
  }

  get dataDir(): string {
    return join(this.folder, 'data');
  }

  get runDir(): string {
    return join(this.folder, 'run');
  }

  get kubeconfig(): string {
    return join(this.dataDir, 'kubeconfig');
  }

  /** What `bay up` has printed so far. */
  get output(): string {
    return this.#output;
  }

  get #places(): Record<string, string> {
    return { BAY_NAME: this.name, BAY_DATA_DIR: this.dataDir, BAY_RUN_DIR: this.runDir };
  }

  /** Starts `bay up` in the foreground and resolves when it says that it is ready. */
  async up(...args: string[]): Promise<void> {
    const child = spawn(bay, ['up', '--port', String(this.port), ...args], {
      env: { ...process.env, ...this.#places },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#up = child;
    this.#output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
      });
    }
    await waitFor('bay up to be ready', () => {
      if (child.exitCode !== null) throw new Error(`bay up ended: ${this.#output}`);
      return this.state()?.ready === true ? true : undefined;
    }).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.#output}\n${this.logs()}`);
    });
  }

  /** Ctrl-C, then the end of `bay up`; resolves with its exit code. */
  async interrupt(): Promise<number> {
    const child = this.#up;
    if (child === undefined) return 0;
    this.#up = undefined;
    if (child.exitCode !== null) return child.exitCode;
    child.kill('SIGINT');
    return new Promise((done) => child.on('exit', (code) => done(code ?? 255)));
  }

  /** Stops what runs, removes what was made, the directories too. */
  async destroy(): Promise<void> {
    await this.interrupt();
    // Files of hundreds of pods are removed one by one, which takes long on a busy disk.
    const patience = { env: this.#places, timeoutMs: 300_000 };
    const { code, stderr } = await run(bay, ['reset', '--yes'], patience);
    try {
      rmSync(this.folder, { recursive: true, force: true });
    } catch (cause) {
      throw new Error(`${this.folder} stays: bay reset ended with ${code}: ${stderr}`, { cause });
    }
  }

  /** What `bay up` tells of its parts. */
  state(): { readonly ready: boolean; readonly parts: Record<string, number> } | undefined {
    try {
      return JSON.parse(readFileSync(join(this.runDir, 'up.json'), 'utf8'));
    } catch {
      return undefined;
    }
  }

  /** The last lines of every part's log, for a failing test's report. */
  logs(): string {
    const folder = join(this.dataDir, 'log');
    try {
      return readdirSync(folder)
        .filter((name) => name.endsWith('.log'))
        .map((name) => `--- ${name}\n${readFileSync(join(folder, name), 'utf8').slice(-3_000)}`)
        .join('\n');
    } catch {
      return '(no logs)';
    }
  }

  bay(...args: string[]): Promise<Output> {
    return this.bayInput('', ...args);
  }

  /** Its input is a pipe that ends after `input`. */
  bayInput(input: string | Buffer, ...args: string[]): Promise<Output> {
    return run(bay, args, { env: this.#places, input });
  }

  /** Starts it and does not wait for its end; it has no input. */
  bayStarted(...args: string[]): ChildProcess {
    const env = { ...process.env, ...this.#places };
    return spawn(bay, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** On a terminal, where `typed` comes as from its keys. */
  bayOnTerminal(typed: string, ...args: string[]): Promise<Output> {
    const words = [bay, ...args].map((word) => `'${word}'`).join(' ');
    return run('script', ['-qec', words, '/dev/null'], { env: this.#places, input: typed });
  }

  kubectl(...args: string[]): Promise<Output> {
    return this.kubectlInput('', ...args);
  }

  kubectlInput(input: string, ...args: string[]): Promise<Output> {
    return this.#kubectl(args, input);
  }

  /**
   * `kubectl exec` over SPDY: over a WebSocket, kubectl 1.30 to 1.33 throw away what comes before they have made their
   * streams (kubernetes/kubernetes#131203), seen once in a few thousand runs on a busy machine.
   */
  kubectlExec(...args: string[]): Promise<Output> {
    return this.#kubectl(['exec', ...args], '', { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' });
  }

  #kubectl(args: readonly string[], input: string, more: Record<string, string> = {}) {
    const env = { KUBECACHEDIR: join(this.folder, 'kube-cache'), ...more };
    return run('kubectl', ['--kubeconfig', this.kubeconfig, ...args], { input, env });
  }

  /** `kubectl … -o json`, decoded; throws what kubectl wrote when it fails. */
  async json<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.kubectl(...args, '-o', 'json');
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** Applies documents given as text; throws what kubectl wrote when it fails. */
  async apply(text: string): Promise<string> {
    const { code, stdout, stderr } = await this.kubectlInput(text, 'apply', '-f', '-');
    if (code !== 0) throw new Error(`kubectl apply: ${stderr}`);
    return stdout;
  }
}

/** Whether the real kubectl is on this machine: else a test that needs it is skipped with this reason. */
export async function withoutKubectl(): Promise<string | false> {
  const { code } = await run('kubectl', ['version', '--client']);
  return code === 0 ? false : 'needs kubectl';
}
