/**
 * Other runtimes and engines: crun, runc, podman and docker. They start the same program in the same namespaces with
 * limits; crun and runc without an overlay, a veth, seccomp and a log, which only their callers have.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { CommandEngine, type Commands } from './command-engine.ts';
import { type Engine, makeRootfs } from './container-engine.ts';

/** A bundle as `spec` writes it, for `args`, with the limits that ours gets. */
function makeBundle(bundle: string, rootfs: string, args: readonly string[]): void {
  mkdirSync(bundle, { recursive: true });
  spawnSync('crun', ['spec'], { cwd: bundle });
  spawnSync('runc', ['spec'], { cwd: bundle });
  const config = JSON.parse(readFileSync(`${bundle}/config.json`, 'utf8'));
  config.process = { ...config.process, terminal: false, args, env: ['PATH=/bin'] };
  config.root = { path: rootfs, readonly: false };
  config.linux.resources = {
    ...config.linux.resources,
    memory: { limit: 1 << 28 },
    pids: { limit: 1000 },
  };
  writeFileSync(`${bundle}/config.json`, JSON.stringify(config));
}

function runtimeEngine(name: string, rounds: number, directory: string): CommandEngine {
  const bundle = `${directory}/bundle`;
  makeRootfs(`${bundle}/rootfs`);
  makeBundle(bundle, `${bundle}/rootfs`, ['/bin/stamp']);
  makeBundle(`${directory}/sleeping`, `${bundle}/rootfs`, ['/bin/sleep', '1000']);
  const commands: Commands = {
    name,
    rounds,
    program: name,
    first: ['--root', `${directory}/state`],
    run: (id) => ['run', '--bundle', bundle, id],
    detach: (id) => ['run', '--detach', '--bundle', `${directory}/sleeping`, id],
    remove: (id) => ['delete', '--force', id],
    pid: (id) => ['state', id],
    kill: (id) => ['kill', id, 'KILL'],
    resume: 'resume',
    hasLog: false,
  };
  return new CommandEngine(commands, directory);
}

function podman(directory: string): CommandEngine {
  const rootfs = `${directory}/rootfs`;
  makeRootfs(rootfs);
  // Its own limits need CAP_SYS_RESOURCE.
  const limits = ['--ulimit=nofile=1024:1024', '--ulimit=nproc=1024:1024'];
  const own = ['--network=none', '--memory=256m', '--pids-limit=1000', ...limits];
  const words = [...own, '--rootfs', rootfs];
  return new CommandEngine(
    {
      name: 'podman',
      rounds: 8,
      program: 'podman',
      first: [
        '--root',
        `${directory}/storage`,
        '--runroot',
        `${directory}/run`,
        '--cgroup-manager=cgroupfs',
      ],
      run: (name, program) => [
        'run',
        '--rm',
        `--name=${name}`,
        '--log-driver=k8s-file',
        ...words,
        ...program,
      ],
      detach: (name) => ['run', '-d', `--name=${name}`, ...words, '/bin/sleep', '1000'],
      remove: (name) => ['rm', '-f', '-t0', name],
      pid: (name) => ['inspect', '-f', '{{.State.Pid}}', name],
      kill: (name) => ['kill', name],
      resume: 'unpause',
      hasLog: true,
    },
    directory,
  );
}

function docker(directory: string): CommandEngine {
  const image = `bench-runtime:${process.pid}`;
  makeRootfs(`${directory}/rootfs`);
  spawnSync('sh', ['-c', `tar -C ${directory}/rootfs -c . | docker import - ${image}`]);
  const words = ['--network=none', '--memory=256m', '--pids-limit=1000'];
  return new CommandEngine(
    {
      name: 'docker',
      rounds: 8,
      program: 'docker',
      first: [],
      run: (name, program) => ['run', '--rm', `--name=${name}`, ...words, image, ...program],
      detach: (name) => ['run', '-d', `--name=${name}`, ...words, image, '/bin/sleep', '1000'],
      remove: (name) => ['rm', '-f', name],
      pid: (name) => ['inspect', '-f', '{{.State.Pid}}', name],
      kill: (name) => ['kill', name],
      resume: 'unpause',
      hasLog: true,
    },
    directory,
  );
}

const answers = (program: string, ...words: string[]): boolean =>
  spawnSync(program, words, { stdio: 'ignore' }).status === 0;

/** All that can be had and runs a container; the reason of each that cannot is told. */
export async function peerEngines(place: string): Promise<readonly Engine[]> {
  const found: Engine[] = [];
  const offer = async (name: string, there: boolean, make: (directory: string) => Engine) => {
    if (!there) {
      process.stdout.write(`${name}: not installed (or its daemon does not answer)\n`);
      return;
    }
    const engine = make(mkdtempSync(`${place}/bench-${name}-`));
    try {
      await engine.run();
      found.push(engine);
    } catch (error) {
      process.stdout.write(`${name}: left out, ${(error as Error).message.trim()}\n`);
      await engine.close();
    }
  };
  await offer('crun', answers('crun', '--version'), (at) => runtimeEngine('crun', 30, at));
  await offer('runc', answers('runc', '--version'), (at) => runtimeEngine('runc', 15, at));
  await offer('podman', answers('podman', '--version'), podman);
  // A command without its daemon is of no use.
  await offer('docker', answers('docker', 'info'), docker);
  return found;
}
