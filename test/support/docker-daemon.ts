/** Docker's own daemon, in directories, namespaces and cgroups of its own: what `bay` does is laid beside what it does. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Output, run, waitFor } from './cluster.ts';

const programs = ['docker', 'dockerd', 'containerd', 'runc', 'unshare'];

/** Why it cannot be started here; undefined when it can be tried. */
export function lacksDocker(): string | undefined {
  const missing = programs.filter(
    (one) => spawnSync('sh', ['-c', `command -v ${one}`]).status !== 0,
  );
  return missing.length === 0 ? undefined : `needs ${missing.join(', ')}`;
}

const cgroups = '/sys/fs/cgroup';
/** An old daemon on a machine with both versions of cgroups takes the second for the only one, if it sees it. */
const unified = join(cgroups, 'unified/cgroup.controllers');

export class DockerDaemon {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #parent = `bay-docker-${process.pid}`;
  #log = '';

  private constructor() {
    // Sockets are in it, whose paths must be short.
    this.#folder = mkdtempSync('/tmp/bay-dk-');
    const place = (name: string) => join(this.#folder, name);
    writeFileSync(place('empty'), '');
    mkdirSync(place('run'));
    const hide = existsSync(unified) ? `mount --bind ${place('empty')} ${unified}; ` : '';
    const own = [
      ...['--data-root', place('data'), '--exec-root', place('run'), '--pidfile', place('pid')],
      ...['-H', this.#host, '--cgroup-parent', `/${this.#parent}`],
      ...['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false'],
    ];
    const words = ['-m', '-n', '--propagation', 'private', 'sh', '-c', `${hide}exec "$@"`, 'sh'];
    this.#child = spawn('unshare', [...words, 'dockerd', ...own], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#log = `${this.#log}${chunk}`.slice(-2000);
    });
  }

  /** @throws Error with the daemon's last words when it does not come up */
  static async start(): Promise<DockerDaemon> {
    const daemon = new DockerDaemon();
    try {
      await waitFor('dockerd to answer', async () => {
        if (daemon.#child.exitCode !== null) throw new Error(`dockerd ended: ${daemon.#log}`);
        return (await daemon.docker(['version'])).code === 0 ? true : undefined;
      });
    } catch (error) {
      await daemon.stop();
      throw error;
    }
    return daemon;
  }

  get #host(): string {
    return `unix://${join(this.#folder, 'socket')}`;
  }

  docker(args: readonly string[], input: string | Buffer = ''): Promise<Output> {
    return run('docker', ['-H', this.#host, ...args], { input });
  }

  /** Takes away all that is of it. */
  async stop(): Promise<void> {
    const { stdout } = await this.docker(['ps', '-aq']);
    const left = stdout.split('\n').filter((id) => id !== '');
    if (left.length > 0) await this.docker(['rm', '-f', ...left]);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#child.once('exit', () => resolve());
    if (this.#child.exitCode === null) this.#child.kill('SIGTERM');
    else resolve();
    await promise;
    for (const name of ['', ...readdirSync(cgroups)]) {
      const own = join(cgroups, name, this.#parent);
      if (existsSync(own)) rmdirSync(own);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
