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
}

export interface ContainerSpec {
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
  readonly hostname?: string;
  readonly ports?: readonly ContainerPort[];
  readonly mounts?: readonly ContainerMount[];
  readonly resources?: {
    readonly cpu?: string | number;
    readonly memory?: string | number;
    readonly memoryReservation?: string | number;
    readonly cpuShares?: number;
  };
  readonly restartPolicy?: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  readonly maximumRetryCount?: number;
  readonly security?: {
    readonly privileged?: boolean;
    readonly capabilities?: { add?: string[]; drop?: string[] };
    readonly readOnlyRootFilesystem?: boolean;
    readonly noNewPrivileges?: boolean;
    readonly seccomp?: string;
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
