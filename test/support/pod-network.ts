/** A pod network to try things on, and looks at it from outside and inside. Needs root. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { createPodNetwork } from '#node-agent/network/bridge-network.ts';
import { needsRoot, scratch } from './scratch.ts';

needsRoot();
export const directory = scratch('network')();
export const suffix = process.pid.toString(36);
/** Of this test process alone: several may run at once. */
export const options = {
  runDir: join(directory, 'run'),
  podCidr: `10.201.${process.pid % 250}.${(process.pid % 16) * 16}/28`,
  bridge: `bpt${suffix}`,
  clusterName: `test${suffix}`,
  serviceCidr: `10.123.${process.pid % 250}.0/24`,
};
/** An address of a Service. */
export const serviceAddress = (last: number): string =>
  options.serviceCidr.replace('0/24', String(last));
export const forwardingBefore = forwarding();

export function forwarding(): string {
  return readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim();
}

export function tables(): string {
  return execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' });
}

export function mounted(): readonly string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return points.filter((line) => line.includes(options.runDir));
}

export async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await delay(10);
  }
}

export function inside(netnsPath: string, ...command: string[]): string {
  return execFileSync('nsenter', [`--net=${netnsPath}`, ...command], { encoding: 'utf8' });
}

export async function reaches(host: string, port: number): Promise<boolean> {
  const socket = createConnection({ host, port, timeout: 1000 });
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('timeout', () => resolve(false));
    socket.once('error', () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

export function serve(netnsPath: string, content: string): ChildProcess {
  const root = join(directory, content);
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, 'index.html'), content);
  const command = ['busybox', 'httpd', '-f', '-p', '80', '-h', root];
  return spawn('nsenter', [`--net=${netnsPath}`, ...command], { stdio: 'ignore' });
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

t.teardown(() => createPodNetwork(options).destroy());
