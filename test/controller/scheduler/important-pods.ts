/** Pods of different importance, and budgets for them. */
import type { Pod, PodDisruptionBudget, PodSpec } from '#api/resources/types.ts';
import { asking } from '../../support/builders.ts';

/** Labelled `app: NAME`. */
export const pod = (
  name: string,
  priority: number,
  cpu: string,
  spec: Partial<PodSpec> = {},
): Pod => {
  const made = asking(name, { cpu }, { priority, ...spec });
  return { ...made, metadata: { ...made.metadata, uid: `uid-${name}` } };
};

/** Lets `allowed` pods of the app go. */
export const budget = (app: string, allowed: number): PodDisruptionBudget =>
  ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: app, namespace: 'default' },
    spec: { selector: { matchLabels: { app } } },
    status: { disruptionsAllowed: allowed },
  }) as PodDisruptionBudget;
