/** Debian's docker-registry (CNCF distribution 2.8) on a free port of its own, and skopeo beside us. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Why tests with the real programs cannot run; undefined when they can. */
export function missingPrograms(): string | undefined {
  const missing = ['docker-registry', 'skopeo'].filter(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  );
  return missing.length === 0 ? undefined : `${missing.join(' and ')} not installed`;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

export interface RealRegistry {
  /** `127.0.0.1:port`. */
  readonly host: string;
  stop(): Promise<void>;
}

/** Keeps its content in `directory`, which must exist. Resolves when it answers. `htpasswd`: who may ask; all, when absent. */
export async function startRegistry(directory: string, htpasswd?: string): Promise<RealRegistry> {
  const host = `127.0.0.1:${await freePort()}`;
  const config = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, 'registry') } },
    http: { addr: host },
    ...(htpasswd === undefined ? {} : { auth: guarded(directory, htpasswd) }),
  };
  const path = join(directory, 'config.yml');
  writeFileSync(path, JSON.stringify(config));
  const child = spawn('docker-registry', ['serve', path], { stdio: 'ignore' });
  await answers(child, `http://${host}/v2/`);
  return { host, stop: () => stop(child) };
}

function guarded(directory: string, htpasswd: string): object {
  const path = join(directory, 'htpasswd');
  writeFileSync(path, `${htpasswd}\n`);
  return { htpasswd: { realm: 'test', path } };
}

async function answers(child: ChildProcess, url: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok === true || answer?.status === 401) return;
    if (child.exitCode !== null) throw new Error(`docker-registry ended with ${child.exitCode}`);
    if (Date.now() > deadline) throw new Error(`${url} does not answer`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

/** Runs skopeo; resolves with its output, throws what it says when it fails. */
export async function skopeo(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('skopeo', args, { maxBuffer: 16 << 20 });
  return stdout;
}
