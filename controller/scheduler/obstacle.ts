/** Why a node cannot take a pod, in kube-scheduler's words. */

export interface Obstacle {
  readonly reason: string;
  /** No pod that leaves the node would help. */
  readonly helpless?: true;
}

/** What kube-scheduler calls `UnschedulableAndUnresolvable`. */
export const helpless = (reason: string): Obstacle => ({ reason, helpless: true });
