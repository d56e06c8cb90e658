/** The Container kind as the tool reads and writes it (crds/container.yaml). */
import type { Client, Collection } from '#api/client/collection.ts';
import type { ObjectMeta } from '#api/resources/meta.ts';
import { containers } from '#api/resources/resource-types.ts';

export interface Container {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec: {
    image: string;
    command?: string[];
    args?: string[];
    env?: { name: string; value: string }[];
    workingDir?: string;
    user?: string;
    tty?: boolean;
    stdin?: boolean;
    hostname?: string;
    ports?: { containerPort: number; hostPort?: number; hostIP?: string; protocol?: string }[];
    mounts?: Mount[];
    resources?: { memory?: string; cpu?: string };
    restartPolicy?: string;
    autoRemove?: boolean;
    labels?: Record<string, string>;
  };
  status?: {
    phase?: string;
    containerID?: string;
    exitCode?: number;
    startedAt?: string;
    finishedAt?: string;
    restartCount?: number;
    ip?: string;
    node?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

export interface Mount {
  type: 'bind' | 'volume' | 'tmpfs';
  source?: string;
  target: string;
  readOnly?: boolean;
}

export const containersOf = (client: Client): Collection<Container> =>
  client.collection<Container>(containers);

/** Why the container is not as its document says, in the controller's words; `undefined` if nothing is known. */
export function trouble(container: Container): string | undefined {
  const failing = container.status?.conditions?.find(
    (condition) => condition.status !== 'True' && condition.message !== undefined,
  );
  return failing?.message;
}
