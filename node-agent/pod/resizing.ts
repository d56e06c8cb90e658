/** What a pod's state remembers of its resources: what the node promised, what waits, what containers still have instead. */
import type { Allocated, ContainerResources, PendingResize } from './allocation.ts';
import type { NodeAmounts } from './resources.ts';

/** What is to be done so that a pod's containers have what they were promised. */
export interface ResizeSteps {
  /** Containers whose cgroups are to be changed. */
  readonly update: readonly string[];
  /** Containers that want to be started anew for it (`resizePolicy`). */
  readonly restart: readonly string[];
  /** The cgroup that they share is to be changed. */
  readonly sandbox: boolean;
}

/** As `plan` and `podStatus` see it. */
export interface ResizeView extends ResizeSteps {
  readonly pending?: PendingResize;
  /** What containers have that were promised something else since. */
  readonly held: ReadonlyMap<string, ContainerResources>;
  readonly problem?: { readonly message: string; readonly retryAt: number };
  /** Of the pod whose resources were promised last. */
  readonly generation?: number;
}

export const nothing: NodeAmounts = { cpuMillis: 0, memoryBytes: 0 };
const noSteps: ResizeSteps = { update: [], restart: [], sandbox: false };

export class Resizing {
  allocated: Allocated | undefined;
  /** What the pod's promise takes of the node. */
  claim: NodeAmounts = nothing;
  pending: PendingResize | undefined;
  readonly held = new Map<string, ContainerResources>();
  problem: ResizeView['problem'] | undefined;
  generation: number | undefined;
  steps = noSteps;
  /** Which promise and which runs of containers were found to agree. */
  settled: string | undefined;

  /** All stands as promised, or nothing is left to be changed. */
  settle(signature: string): void {
    this.settled = signature;
    this.steps = noSteps;
    this.problem = undefined;
  }

  view(): ResizeView {
    const { pending, problem, generation } = this;
    return {
      ...this.steps,
      held: new Map(this.held),
      ...(pending === undefined ? {} : { pending }),
      ...(problem === undefined ? {} : { problem }),
      ...(generation === undefined ? {} : { generation }),
    };
  }
}
