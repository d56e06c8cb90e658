/** The Container kind as the tool reads and writes it (crds/container.yaml). */
import type { Client, Collection } from '#api/client/collection.ts';
import type { ObjectMeta } from '#api/resources/meta.ts';
import { containers } from '#api/resources/resource-types.ts';

export interface Container {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec: {
    state?: string;
    image: string;
    command?: string[];
    args?: string[];
    env?: { name: string; value: string }[];
    workingDir?: string;
    user?: string;
    tty?: boolean;
    stdin?: boolean;
    hostname?: string;
    domainname?: string;
    extraHosts?: { ip: string; hostnames: string[] }[];
    dns?: { servers?: string[]; searches?: string[]; options?: string[] };
    /** Also `container:NAME`. */
    network?: string;
    pid?: string;
    ipc?: string;
    uts?: 'private' | 'host';
    userns?: 'host' | 'private';
    init?: boolean;
    groups?: string[];
    ulimits?: { name: string; soft: number; hard: number }[];
    shmSize?: string;
    sysctls?: Record<string, string>;
    devices?: { source: string; path: string; permissions?: string }[];
    oomScoreAdj?: number;
    ports?: Port[];
    mounts?: Mount[];
    resources?: {
      memory?: string;
      cpu?: string;
      memoryReservation?: string;
      memorySwap?: string;
      cpuShares?: number;
      cpuset?: string;
      pids?: number;
    };
    security?: {
      privileged?: boolean;
      capabilities?: { add?: string[]; drop?: string[] };
      readOnlyRootFilesystem?: boolean;
      noNewPrivileges?: boolean;
      seccomp?: string;
      apparmor?: string;
      selinux?: { user?: string; role?: string; type?: string; level?: string };
      unmasked?: boolean;
    };
    imagePullPolicy?: string;
    restartPolicy?: string;
    maximumRetryCount?: number;
    stopSignal?: string;
    stopTimeout?: number;
    healthcheck?: {
      test: string[];
      intervalSeconds?: number;
      timeoutSeconds?: number;
      startPeriodSeconds?: number;
      retries?: number;
    };
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
    ports?: Port[];
    health?: string;
    node?: string;
    conditions?: {
      type: string;
      status: string;
      reason?: string;
      message?: string;
      observedGeneration?: number;
    }[];
  };
}

export interface Mount {
  type: 'bind' | 'volume' | 'tmpfs';
  source?: string;
  target: string;
  readOnly?: boolean;
  size?: string;
  /** Of a tmpfs. */
  options?: string[];
  propagation?: 'rprivate' | 'rslave' | 'rshared';
}

export interface Port {
  containerPort: number;
  hostPort?: number;
  hostIP?: string;
  protocol?: string;
}

/** The document's ports; where it leaves open which of the node's one has, as it is now, and without when it has none. */
export function portsOf({ spec, status }: Container): Port[] {
  return (spec.ports ?? []).map((port, index) => {
    if (port.hostPort !== 0) return port;
    const { hostPort: _, ...exposed } = port;
    const made = status?.ports?.[index];
    const isIts = made?.containerPort === port.containerPort && made.hostPort !== undefined;
    return isIts ? { ...port, hostPort: made.hostPort as number } : exposed;
  });
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

/** Reasons that no waiting helps against: the document itself is wrong, or what it names is not there. */
const hopeless = [
  ...['PodRefused', 'CreateContainerConfigError', 'CreateContainerError'],
  ...['InvalidImageName', 'ErrImageNeverPull', 'SysctlForbidden', 'InvalidSettings'],
];

/** docker's: what it could not do itself. The program's own 126 and 127 are handed on. */
const notStarted = 125;

/** The exit code for a container that has not run and will not, as its document is; `undefined` for any other. */
export function failedStart({ status }: Container): number | undefined {
  const reasons = (status?.conditions ?? []).map(({ reason = '' }) => reason);
  if (reasons.includes('StartError')) {
    const { exitCode = notStarted } = status ?? {};
    return exitCode === 126 || exitCode === 127 ? exitCode : notStarted;
  }
  const isHopeless = status?.phase === 'dead' || reasons.some((one) => hopeless.includes(one));
  return isHopeless ? notStarted : undefined;
}
