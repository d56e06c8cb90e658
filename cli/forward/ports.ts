/** The ports of `bay port-forward`. */

import { objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Pod } from '#api/resources/types.ts';
import { UsageError } from '../arguments.ts';

export interface Ports {
  /** Absent: the same as the remote one; 0: any. */
  readonly local: number | undefined;
  /** A number, or the name of a port. */
  readonly remote: string;
}

const numberOf = (text: string): number => {
  const port = Number(text);
  if (/^\d+$/.test(text) && port < 65_536) return port;
  throw new UsageError(`invalid port number '${text}'`);
};

/** `8080:80`, `80`, `:80`, `8080:http`. */
export function portsOf(text: string): Ports {
  const [first = '', second, more] = text.split(':');
  if (more !== undefined || second === '' || (first === '' && second === undefined)) {
    throw new UsageError(`invalid port format '${text}': LOCAL:REMOTE, PORT or :REMOTE`);
  }
  if (second === undefined) return { local: undefined, remote: first };
  return { local: first === '' ? 0 : numberOf(first), remote: second };
}

/** The pod's port that is meant; of a Service, the one behind its own. */
export function remotePort(text: string, pod: Pod, service: KubeObject | undefined): number {
  let wanted = text;
  if (service !== undefined) {
    const ports = objectsOf(objectOr(service['spec'])['ports']);
    const found = ports.find(({ port, name }) => String(port) === text || name === text);
    if (found === undefined) {
      throw new Error(`Service ${service.metadata.name} does not have a service port ${text}`);
    }
    wanted = String(found['targetPort'] ?? found['port']);
  }
  if (/^\d+$/.test(wanted)) return numberOf(wanted);
  const named = (pod.spec?.containers ?? [])
    .flatMap(({ ports = [] }) => ports)
    .find(({ name }) => name === wanted);
  if (named === undefined) {
    throw new Error(`Pod '${pod.metadata.name}' does not have a named port '${wanted}'`);
  }
  return named.containerPort;
}
