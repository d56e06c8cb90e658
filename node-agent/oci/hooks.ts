/** Hooks of a bundle: programs with the state on stdin, one after the other, each with its own patience. */

import type { Hook, HookName } from './config/config.ts';

/** Runs one hook; the exit code, or what killed it. */
export type RunHook = (hook: Hook, state: string) => Promise<HookEnd>;

export interface HookEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** What it wrote to stderr, or stdout when that is nothing; shortened. */
  readonly output: string;
}

const mostOutput = 4096;

/** In our own namespaces, from the bundle, with the hook's environment and nothing of ours. */
export const runHere =
  (bundle: string): RunHook =>
  async ({ path, args, env, timeout }, state) => {
    // Only bundles with hooks pay for loading it.
    const { spawn } = await import('node:child_process');
    return new Promise((resolve, reject) => {
      const [name = path, ...rest] = args ?? [];
      const child = spawn(path, rest, {
        argv0: name,
        cwd: bundle,
        env: environmentOf(env ?? []),
        stdio: 'pipe',
        detached: true,
      });
      const end = { timedOut: false, output: '' };
      const take = (bytes: Buffer) => {
        end.output = (end.output + bytes.toString()).slice(-mostOutput);
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.stdin.on('error', () => undefined); // it need not read
      child.stdin.end(state);
      const patience = timeout == null ? undefined : setTimeout(stop, timeout * 1000);
      function stop(): void {
        end.timedOut = true;
        // With what it started itself.
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      }
      child.on('error', (error) => {
        clearTimeout(patience);
        reject(error);
      });
      child.on('exit', (exitCode, signal) => {
        clearTimeout(patience);
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ ...end, exitCode, signal });
      });
    });
  };

function environmentOf(env: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    env.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
}

/** @throws Error for the first that fails, naming it and what it said */
export async function runHooks(
  name: HookName,
  hooks: readonly Hook[] | null | undefined,
  state: () => object,
  run: RunHook,
): Promise<void> {
  for (const [index, hook] of (hooks ?? []).entries()) {
    const at = `hooks.${name}[${index}] ${hook.path}`;
    const end = await run(hook, JSON.stringify(state())).catch((cause: Error) => {
      throw new Error(`${at}: ${cause.message}`, { cause });
    });
    if (end.exitCode === 0 && !end.timedOut) continue;
    const why = end.timedOut
      ? `not done after its timeout of ${hook.timeout} s`
      : end.signal === null
        ? `ended with exit code ${end.exitCode}`
        : `was ended by ${end.signal}`;
    const said = end.output.trim();
    throw new Error(`${at}: ${why}${said === '' ? '' : `: ${said}`}`);
  }
}

/** For those whose failure changes nothing any more: warned about, the next one runs. */
export async function runHooksAnyway(
  name: HookName,
  hooks: readonly Hook[] | null | undefined,
  state: () => object,
  options: { readonly run: RunHook; readonly warn: (message: string) => void },
): Promise<void> {
  for (const hook of hooks ?? []) {
    await runHooks(name, [hook], state, options.run).catch((error: Error) =>
      options.warn(error.message),
    );
  }
}
