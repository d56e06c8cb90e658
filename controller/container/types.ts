/** The Container kind as its controller sees it; `crds/container.yaml` says what each field means. */
import type { ApiObject } from '#api/client/collection.ts';
import type { Condition } from '#controller/runtime/conditions.ts';

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly hostPort?: number;
  readonly hostIP?: string;
  readonly protocol?: string;
}

export interface ContainerMount {
  readonly type: 'bind' | 'volume' | 'tmpfs';
  readonly source?: string;
  readonly target: string;
  readonly readOnly?: boolean;
  readonly size?: string;
  /** Of a tmpfs. */
  readonly options?: readonly string[];
  /** Of a bind. */
  readonly propagation?: 'rprivate' | 'rslave' | 'rshared';
}

/** What a Pod has no field for; its node is told by an annotation (`settings.ts`). */
export interface NodeSettings {
  readonly domainname?: string;
  /** Also `container:NAME`, as `pid` and `ipc` (`sharing.ts`). */
  readonly network?: 'bridge' | 'host' | 'none' | `container:${string}`;
  readonly uts?: 'private' | 'host';
  readonly init?: boolean;
  readonly groups?: readonly string[];
  readonly ulimits?: readonly {
    readonly name: string;
    readonly soft: number;
    readonly hard: number;
  }[];
  readonly shmSize?: string;
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly devices?: readonly {
    readonly source: string;
    readonly path: string;
    readonly permissions?: string;
  }[];
  readonly oomScoreAdj?: number;
}

export interface LandlockRules {
  readonly readOnly?: readonly string[];
  readonly readWrite?: readonly string[];
}

export interface ContainerSpec extends NodeSettings {
  readonly state?: 'Running' | 'Paused' | 'Stopped' | 'Created';
  readonly image: string;
  readonly imagePullPolicy?: string;
  readonly command?: string[];
  readonly args?: string[];
  readonly env?: { name: string; value?: string }[];
  readonly workingDir?: string;
  readonly user?: string;
  readonly tty?: boolean;
  readonly stdin?: boolean;
  readonly stdinOnce?: boolean;
  readonly hostname?: string;
  readonly extraHosts?: readonly { readonly ip: string; readonly hostnames: readonly string[] }[];
  readonly dns?: {
    readonly servers?: readonly string[];
    readonly searches?: readonly string[];
    readonly options?: readonly string[];
  };
  readonly pid?: 'private' | 'host' | `container:${string}`;
  readonly ipc?: 'private' | 'host' | `container:${string}`;
  readonly userns?: 'host' | 'private';
  readonly ports?: readonly ContainerPort[];
  readonly mounts?: readonly ContainerMount[];
  readonly resources?: {
    readonly cpu?: string | number;
    readonly memory?: string | number;
    readonly memoryReservation?: string | number;
    readonly memorySwap?: string;
    readonly cpuShares?: number;
    readonly cpuset?: string;
    readonly pids?: number;
  };
  readonly restartPolicy?: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  readonly maximumRetryCount?: number;
  readonly security?: {
    readonly privileged?: boolean;
    readonly capabilities?: { add?: string[]; drop?: string[] };
    readonly readOnlyRootFilesystem?: boolean;
    readonly noNewPrivileges?: boolean;
    readonly seccomp?: string;
    readonly apparmor?: string;
    readonly selinux?: {
      readonly user?: string;
      readonly role?: string;
      readonly type?: string;
      readonly level?: string;
    };
    readonly unmasked?: boolean;
    readonly landlock?: LandlockRules;
  };
  readonly stopSignal?: string;
  readonly stopTimeout?: number;
  readonly healthcheck?: {
    readonly test: readonly string[];
    readonly intervalSeconds?: number;
    readonly timeoutSeconds?: number;
    readonly startPeriodSeconds?: number;
    readonly retries?: number;
  };
  readonly autoRemove?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly nodeSelector?: Record<string, string>;
}

export type Phase =
  | 'created'
  | 'running'
  | 'paused'
  | 'restarting'
  | 'removing'
  | 'exited'
  | 'dead';

export interface ContainerStatus {
  readonly phase?: Phase;
  readonly observedGeneration?: number;
  readonly containerID?: string;
  readonly exitCode?: number;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly restartCount?: number;
  readonly ip?: string;
  readonly ports?: ContainerPort[];
  readonly health?: 'starting' | 'healthy' | 'unhealthy';
  readonly image?: string;
  readonly imageID?: string;
  readonly node?: string;
  /** The hash of the spec whose run has ended by itself: it is not run again. */
  readonly endedSpecHash?: string;
  readonly conditions?: readonly Condition[];
}

export interface Container extends ApiObject {
  readonly spec: ContainerSpec;
  readonly status?: ContainerStatus;
}
