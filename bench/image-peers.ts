/** Other engines that do with images what we do, each on a store of its own below one directory; those that are installed. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { openImages } from '#node-agent/image/image-store.ts';
import type { Images } from '#node-agent/image/images.ts';
import { saveImages } from '#node-agent/image/save.ts';

export interface Engine {
  readonly name: string;
  /** An empty store. */
  reset(): Promise<void>;
  /** Brings and unpacks the image from a registry without TLS. */
  pull(reference: string): Promise<unknown>;
  /** Loads a docker-archive. */
  load(archive: string): Promise<unknown>;
  /** Writes the image into a file; absent where there is no such thing. */
  readonly save?: ((reference: string, file: string) => Promise<unknown>) | undefined;
  /** Unpacks the layers of an image it has, after `forgetUnpacked` took them away; absent where it cannot be told to. */
  readonly unpack?: ((reference: string) => Promise<unknown>) | undefined;
  readonly forgetUnpacked?: (reference: string) => Promise<unknown>;
  close(): Promise<void>;
}

const execute = promisify(execFile);
const run = (program: string, ...args: string[]) =>
  execute(program, args, { maxBuffer: 1 << 26, env: { ...process.env, TMPDIR: '/var/tmp' } });

const isInstalled = (program: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

/** All that can be had; the reason of each that cannot is printed. */
export async function engines(directory: string): Promise<readonly Engine[]> {
  const found: Engine[] = [bayplan(join(directory, 'bayplan'))];
  if (isInstalled('podman')) found.push(podman(join(directory, 'podman')));
  else console.log('podman: not measured, not installed');
  if (!(isInstalled('containerd') && isInstalled('ctr'))) {
    console.log('containerd: not measured, not installed');
  } else found.push(await containerd(join(directory, 'containerd')));
  return found;
}

/**
 * An empty place for each round, the earlier ones left alone until the end: for minutes ext4 gives out no inode that was freed
 * just now and looks for each new one among them, so that after the removal of 10,000 files every engine is ten times slower.
 */
function places(directory: string): () => string {
  let round = 0;
  return () => {
    const place = join(directory, String(round++));
    mkdirSync(place, { recursive: true });
    return place;
  };
}

function bayplan(directory: string): Engine {
  let images: Images | undefined;
  const next = places(directory);
  let dataDir = next();
  const store = async (): Promise<Images> => {
    images ??= await openImages({ dataDir });
    return images;
  };
  const layers = async (reference: string) => {
    const opened = await store();
    const image = await opened.find(reference);
    return image === undefined ? [] : opened.layers(image);
  };
  return {
    name: 'bayplan',
    reset: async () => {
      images = undefined;
      dataDir = next();
      await store();
    },
    pull: async (reference) => (await store()).pull(reference),
    load: async (archive) => {
      const { createReadStream } = await import('node:fs');
      return (await store()).load(createReadStream(archive, { highWaterMark: 1 << 18 }));
    },
    save: async (reference, file) => {
      const tar = await saveImages((await store()).shelf(), [reference]);
      await pipeline(tar, createWriteStream(file));
    },
    unpack: async (reference) => layers(reference),
    forgetUnpacked: async (reference) => {
      for (const layer of await layers(reference)) rmSync(layer, { recursive: true });
    },
    close: async () => undefined,
  };
}

function podman(directory: string): Engine {
  const next = places(directory);
  let place = next();
  const call = (...args: string[]) => {
    const base = ['--root', join(place, 'root'), '--runroot', join(place, 'run')];
    return run('podman', ...base, '--storage-driver=overlay', ...args);
  };
  const wipe = async () => {
    // Its layers are mounted nowhere; what is left of its mounts is its own.
    for (const round of existsSync(directory) ? readdirSync(directory) : []) {
      place = join(directory, round);
      await call('system', 'reset', '--force').catch(() => undefined);
    }
    rmSync(directory, { recursive: true, force: true });
  };
  return {
    name: 'podman',
    reset: async () => {
      place = next();
      await call('images');
    },
    pull: (reference) => call('pull', '--quiet', '--tls-verify=false', reference),
    load: (archive) => call('load', '--quiet', '--input', archive),
    save: (reference, file) => call('save', '--quiet', '--output', file, reference),
    close: wipe,
  };
}

/** A daemon of its own; images are unpacked for overlayfs. */
async function containerd(directory: string): Promise<Engine> {
  let daemon: ChildProcess | undefined;
  const address = join(directory, 'sock');
  const next = places(directory);
  const call = (...args: string[]) => run('ctr', '--address', address, ...args);
  const stop = async () => {
    const ended = daemon && new Promise((resolve) => daemon?.once('exit', resolve));
    daemon?.kill('SIGTERM');
    await ended;
    daemon = undefined;
  };
  const start = async () => {
    const place = next();
    const config = join(place, 'config.toml');
    const [root, state] = [join(place, 'root'), join(place, 'state')];
    writeFileSync(
      config,
      `version = 2\nroot = "${root}"\nstate = "${state}"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "${address}"\n`,
    );
    daemon = spawn('containerd', ['--config', config], { stdio: 'ignore' });
    for (let tries = 0; ; tries++) {
      const answers = await call('version').then(
        () => true,
        () => false,
      );
      if (answers) return;
      if (tries > 200) throw new Error('containerd does not answer');
      await sleep(50);
    }
  };
  return {
    name: 'containerd',
    reset: async () => {
      await stop();
      await start();
    },
    pull: (reference) => call('images', 'pull', '--plain-http', reference),
    load: (archive) => call('images', 'import', archive),
    save: (reference, file) => call('images', 'export', file, reference),
    close: async () => {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
