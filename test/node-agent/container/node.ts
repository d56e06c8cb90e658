/** A runtime in a temporary directory with a busybox image, and what a test asks of it. */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import { createRuntime } from '#node-agent/container/create-runtime.ts';
import type {
  ContainerRecord,
  ContainerRuntime,
  ContainerSpec,
  SandboxSpec,
} from '#node-agent/container/runtime.ts';

export interface TestNode {
  readonly directory: string;
  readonly runDir: string;
  readonly cgroupRoot: string;
  readonly layer: string;
  runtime: ContainerRuntime;
}

export const newId = (): string => randomBytes(32).toString('hex');

/** Fails with `what` when the condition does not come true in time. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited a minute for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A layer with busybox as every one of its programs. */
export function busyboxLayer(directory: string): string {
  const layer = `${directory}/layer`;
  for (const name of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root', 'var']) {
    mkdirSync(`${layer}/${name}`, { recursive: true });
  }
  copyFileSync('/bin/busybox', `${layer}/bin/busybox`);
  const names = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).split('\n');
  for (const name of names) {
    if (name !== '' && name !== 'busybox') symlinkSync('busybox', `${layer}/bin/${name}`);
  }
  writeFileSync(`${layer}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(`${layer}/etc/not-executable`, 'no\n', { mode: 0o644 });
  return layer;
}

/** `spares`: with what an agent makes in idle time. */
export const startNode = (name: string, spares = false): Promise<TestNode> =>
  startNodeAt(
    mkdtempSync(`${tmpdir()}/container-${name}-`),
    `/bayplan-test-${name}-${process.pid}`,
    spares,
  );

/** The same in a directory that is there, with its cgroups where the caller says. */
export async function startNodeAt(
  directory: string,
  cgroupRoot: string,
  spares = false,
): Promise<TestNode> {
  const runDir = `${directory}/run`;
  const runtime = createRuntime({ dataDir: `${directory}/data`, runDir, cgroupRoot, spares });
  await runtime.adopt();
  return { directory, runDir, cgroupRoot, layer: busyboxLayer(directory), runtime };
}

/** Takes down whatever a failed test left, too. */
export async function stopNode(node: TestNode): Promise<void> {
  node.runtime.close();
  const { directory, runDir, cgroupRoot } = node;
  const last = createRuntime({ dataDir: `${directory}/data`, runDir, cgroupRoot });
  const { sandboxes, containers } = await last.adopt();
  for (const { id } of sandboxes) await last.removeSandbox(id);
  for (const { spec } of containers) await last.remove(spec.id);
  last.close();
  rmSync(directory, { recursive: true, force: true });
}

export function sandboxSpec(node: TestNode, change: Partial<SandboxSpec> = {}): SandboxSpec {
  const id = newId();
  return {
    id,
    hostname: 'test-host',
    hostIpc: false,
    hostPid: false,
    cgroupPath: `${node.cgroupRoot}/besteffort/pod${id.slice(0, 12)}`,
    resources: {},
    labels: {},
    ...change,
  };
}

export function containerSpec(
  node: TestNode,
  sandboxId: string,
  change: Partial<ContainerSpec> = {},
): ContainerSpec {
  const id = newId();
  return {
    id,
    sandboxId,
    layers: [node.layer],
    layerDir: `${node.directory}/layer-${id.slice(0, 12)}`,
    readonlyRootfs: false,
    args: ['true'],
    env: ['PATH=/bin', 'HOME=/root'],
    cwd: '/',
    user: { uid: 0, gid: 0, groups: [] },
    mounts: [],
    privileged: false,
    noNewPrivileges: false,
    tty: false,
    stdin: false,
    stdinOnce: false,
    resources: {},
    oomScoreAdj: 0,
    cgroupName: id.slice(0, 12),
    logPath: `${node.directory}/${id.slice(0, 12)}.log`,
    // One file holds whatever a test prints.
    logLimits: { rotateBytes: 2 ** 30, files: 2 },
    labels: { container: 'test' },
    ...change,
  };
}

/** The text of a CRI log without its first three columns; parts of lines are put together. */
export function logText(path: string): string {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, , tag, ...words] = line.split(' ');
      return words.join(' ') + (tag === 'F' ? '\n' : '');
    })
    .join('');
}

export async function exited(node: TestNode, id: string) {
  await until('the end of the container', () => node.runtime.get(id)?.state.phase === 'exited');
  const state = (node.runtime.get(id) as ContainerRecord).state;
  if (state.phase !== 'exited') throw new Error('not exited');
  return state;
}

/** Asks a program that says `up` and ends by SIGTERM to end. Process 1 takes no signal that it does not handle yet. */
export async function endOf(node: TestNode, { id, logPath }: ContainerSpec) {
  const isUp = () => existsSync(logPath) && readFileSync(logPath, 'utf8').includes(' up\n');
  await until(
    'it to be up or over',
    () => isUp() || node.runtime.get(id)?.state.phase === 'exited',
  );
  await node.runtime.signal(id, 15);
  return exited(node, id);
}

/** Runs a shell script in a container of its own sandbox; what it printed and how it ended. Leaves nothing. */
export async function run(
  node: TestNode,
  script: string,
  change: Partial<ContainerSpec> = {},
  sandboxChange: Partial<SandboxSpec> = {},
) {
  const sandbox = sandboxSpec(node, sandboxChange);
  await node.runtime.createSandbox(sandbox);
  const spec = containerSpec(node, sandbox.id, { args: ['sh', '-c', script], ...change });
  try {
    await node.runtime.start(spec);
    const state = await exited(node, spec.id);
    return { text: logText(spec.logPath), state, spec, sandbox };
  } finally {
    await node.runtime.remove(spec.id);
    await node.runtime.removeSandbox(sandbox.id);
    await node.runtime.removeLayer(spec.layerDir);
  }
}

function cgroupsOf(root: string): string[] {
  return readdirSync('/sys/fs/cgroup')
    .map((name) => `/sys/fs/cgroup/${name}${root}`)
    .filter((path) => existsSync(path));
}

function supervisorsOf(directory: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(directory);
    } catch {
      return false;
    }
  });
}

/** What this node still has on the machine: mounts, cgroups, processes, records. Empty once all is removed. */
export function traces(node: TestNode): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return [
    ...mounts.filter((line) => line.includes(node.directory)),
    ...cgroupsOf(node.cgroupRoot),
    ...supervisorsOf(node.directory).map((pid) => `process ${pid}`),
    ...['c', 'ns'].flatMap((name) =>
      existsSync(`${node.runDir}/${name}`) ? readdirSync(`${node.runDir}/${name}`) : [],
    ),
  ];
}

/** Everything a stream says. */
export async function textOf(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
