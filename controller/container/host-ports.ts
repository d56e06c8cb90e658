/**
 * Which port of its node a container's port gets where its document leaves it open (`hostPort: 0`, docker's `-p 80`).
 * The Pod is the record of it: written in one piece, seen by the scheduler, gone with the Pod.
 */
import { keyOf } from '#api/resources/meta.ts';
import type { Pod } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { hasEnded } from './status.ts';
import type { Container, ContainerSpec } from './types.ts';

/** The kernel's own range for ports that nobody chose (net.ipv4.ip_local_port_range), which is docker's, too. */
export const openPorts = { first: 32_768, last: 60_999 } as const;

const openCount = openPorts.last - openPorts.first + 1;

/** FNV-1a, 32 bit. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (const char of text) sum = Math.imul(sum ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return sum;
}

/**
 * The spec with a port for each that is open. Where the search begins is the container's own, so that it gets its port
 * again after a restart if it can. Undefined: every port of the range is taken. Pure.
 */
export function withHostPorts(
  { metadata, spec }: Container,
  isTaken: (port: number) => boolean,
): ContainerSpec | undefined {
  if (spec.network === 'host' || !spec.ports?.some(({ hostPort }) => hostPort === 0)) return spec;
  const own = new Set<number>();
  const start = hash(metadata.uid ?? metadata.name) % openCount;
  const free = (): number | undefined => {
    for (let step = 0; step < openCount; step += 1) {
      const port = openPorts.first + ((start + step) % openCount);
      if (!own.has(port) && !isTaken(port)) return port;
    }
    return undefined;
  };
  const ports = [];
  for (const port of spec.ports) {
    const hostPort = port.hostPort === 0 ? free() : port.hostPort;
    if (port.hostPort === 0 && hostPort === undefined) return undefined;
    if (hostPort !== undefined) own.add(hostPort);
    ports.push(hostPort === undefined ? port : { ...port, hostPort });
  }
  return { ...spec, ports };
}

const index = 'host ports';

const numbers = (ports: readonly { readonly hostPort?: number }[]): string[] =>
  ports.flatMap(({ hostPort = 0 }) => (hostPort === 0 ? [] : [String(hostPort)]));

const ofPod = (pod: Pod): string[] =>
  hasEnded(pod) ? [] : (pod.spec?.containers ?? []).flatMap(({ ports = [] }) => numbers(ports));

/** What is taken in the cluster: by pods, by what documents ask for by number, and by Pods that are being written. */
export class HostPorts {
  readonly #pods: Cache<Pod>;
  readonly #containers: Cache<Container>;
  /** By the container's key, until the cache shows its Pod. */
  readonly #promised = new Map<string, readonly string[]>();

  constructor(pods: Cache<Pod>, containers: Cache<Container>) {
    this.#pods = pods.addIndex(index, ofPod);
    this.#containers = containers.addIndex(index, ({ spec }) => numbers(spec.ports ?? []));
  }

  /** Whether somebody else than the container with this key has the port. */
  takenFor(key: string): (port: number) => boolean {
    const others = new Set(
      [...this.#promised].flatMap(([holder, ports]) => (holder === key ? [] : ports)),
    );
    const isOther = (object: Pod | Container) => keyOf(object) !== key;
    return (port) => {
      const text = String(port);
      return (
        others.has(text) ||
        this.#pods.byIndex(index, text).some(isOther) ||
        this.#containers.byIndex(index, text).some(isOther)
      );
    };
  }

  /** The Pod is about to be written: whether that arrives or not, its ports are nobody else's. */
  promise(pod: Pod): void {
    const ports = ofPod(pod);
    if (ports.length > 0) this.#promised.set(keyOf(pod), ports);
  }

  /** The container with this key has its Pod in the cache, or is gone. */
  settle(key: string): void {
    this.#promised.delete(key);
  }
}
