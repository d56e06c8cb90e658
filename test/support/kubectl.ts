/** The real kubectl against a test's server. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

/** kubectl with its own home, so that discovery caches of other servers do not count. */
export function kubectlFor(kubeconfig: string): Kubectl {
  const home = mkdtempSync(join(tmpdir(), 'bayplan-kubectl-'));
  const env = { ...process.env, HOME: home, KUBECONFIG: kubeconfig };
  const run = (args: readonly string[], input = ''): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      const child = spawn('kubectl', args, { env });
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
