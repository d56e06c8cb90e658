/** The real kubectl against a test's server. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Kubectl {
  /** Runs to its end. `input` goes to stdin. */
  (args: readonly string[], input?: string): Promise<Outcome>;
  /** Removes its caches. */
  close(): void;
}

/**
 * Every kubectl on this machine, by name: those of the older releases that lie beside the one in PATH (`kubectl.1.27` …), or
 * that one alone; none if there is none.
 */
export function kubectlReleases(): { readonly name: string; readonly program: string }[] {
  const found = (process.env['PATH'] ?? '')
    .split(':')
    .map((folder) => join(folder, 'kubectl'))
    .find((path) => existsSync(path));
  if (found === undefined) return [];
  const home = dirname(realpathSync(found));
  const releases = readdirSync(home)
    .filter((name) => /^kubectl\.1\.\d+$/.test(name))
    .sort()
    .map((name) => ({ name, program: join(home, name) }));
  return releases.length > 0 ? releases : [{ name: 'kubectl', program: found }];
}

/** kubectl with its own home, so that discovery caches of other servers do not count. */
export function kubectlFor(kubeconfig: string, program = 'kubectl'): Kubectl {
  const home = mkdtempSync(join(tmpdir(), 'bayplan-kubectl-'));
  const env = { ...process.env, HOME: home, KUBECONFIG: kubeconfig };
  const run = (args: readonly string[], input = ''): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      const child = spawn(program, args, { env });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text) => {
        stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text) => {
        stderr += text;
      });
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, stdout, stderr }));
      child.stdin.on('error', () => undefined).end(input);
    });
  return Object.assign(run, { close: () => rmSync(home, { recursive: true, force: true }) });
}
