/** Namespaces of other containers that a new one gets instead of its sandbox's. */

import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Container } from './container.ts';
import type { JoinedContainers } from './runtime.ts';

const files = { network: 'net', ipc: 'ipc', pid: 'pid' } as const;
type Kind = keyof typeof files;
const kinds = Object.keys(files) as Kind[];

/** Held open, so that they are what they were when they were looked at. */
export interface Joined {
  /** Valid for whoever may see this process, until `close`. */
  readonly paths: Readonly<Partial<Record<Kind, string>>>;
  readonly close: () => void;
}

/** A number may be another process's by the time it is looked at: only one in the container's cgroup counts. */
function isOf(pid: number, { cgroup }: Container): boolean {
  const text = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  return text.split('\n').some((line) => line.endsWith(cgroup) || line.includes(`${cgroup}/`));
}

function openOne(kind: Kind, container: Container | undefined, id: string): number {
  const what = `join the ${kind} namespace of container ${id}`;
  if (container?.state.phase !== 'running') throw new Error(`${what}: it is not running`);
  const { pid } = container.state;
  let fd = -1;
  try {
    fd = openSync(`/proc/${pid}/ns/${files[kind]}`, 'r');
    if (isOf(pid, container)) return fd;
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  if (fd >= 0) closeSync(fd);
  throw new Error(`${what}: it has just ended`);
}

/** @throws Error naming the container that is not running */
export function openJoined(joins: JoinedContainers, peers: ReadonlyMap<string, Container>): Joined {
  const open: number[] = [];
  const close = () => {
    for (const fd of open.splice(0)) closeSync(fd);
  };
  const paths: Partial<Record<Kind, string>> = {};
  try {
    for (const kind of kinds) {
      const id = joins[kind];
      if (id === undefined) continue;
      const fd = openOne(kind, peers.get(id), id);
      open.push(fd);
      paths[kind] = `/proc/${process.pid}/fd/${fd}`;
    }
  } catch (error) {
    close();
    throw error;
  }
  return { paths, close };
}

/** The sandbox whose /dev/shm a container has: with an ipc namespace comes the shared memory. */
export function sandboxOfShm(
  { sandboxId, joins }: Pick<Container['spec'], 'sandboxId' | 'joins'>,
  peers: ReadonlyMap<string, Container>,
): string {
  const peer = joins?.ipc === undefined ? undefined : peers.get(joins.ipc);
  return peer === undefined ? sandboxId : sandboxOfShm(peer.spec, peers);
}
