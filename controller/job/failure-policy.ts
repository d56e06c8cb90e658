/** `podFailurePolicy`: what a pod's failure means for its Job. After job/pod_failure_policy.go. */
import type { Job, Pod } from '#api/resources/types.ts';

type Rule = NonNullable<NonNullable<Job['spec']>['podFailurePolicy']>['rules'][number];

export interface Verdict {
  readonly action: 'FailJob' | 'FailIndex' | 'Ignore' | 'Count';
  /** Why, for the condition of a Job that fails by it. */
  readonly message: string;
}

const count: Verdict = { action: 'Count', message: '' };

/** The first rule that matches decides; a failure that none matches counts. */
export function judged(job: Job, pod: Pod): Verdict {
  if (pod.status?.phase !== 'Failed') return count;
  for (const [place, rule] of (job.spec?.podFailurePolicy?.rules ?? []).entries()) {
    const why = matching(pod, rule);
    if (why === undefined) continue;
    const message = `${why} matching ${rule.action} rule at index ${place}`;
    return { action: rule.action as Verdict['action'], message };
  }
  return count;
}

function matching(pod: Pod, { onExitCodes, onPodConditions }: Rule): string | undefined {
  const { name, namespace } = pod.metadata;
  if (onExitCodes !== undefined && onExitCodes !== null) {
    const { containerName, operator, values } = onExitCodes;
    const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
    for (const container of [...containerStatuses, ...initContainerStatuses]) {
      const exitCode = container.state?.terminated?.exitCode ?? 0;
      const other = containerName !== undefined && containerName !== container.name;
      if (exitCode === 0 || other) continue;
      if (values.includes(exitCode) === (operator === 'In')) {
        return `Container ${container.name} for pod ${namespace}/${name} failed with exit code ${exitCode}`;
      }
    }
  }
  for (const { type, status = 'True' } of onPodConditions ?? []) {
    const held = pod.status?.conditions?.some((one) => one.type === type && one.status === status);
    if (held === true) return `Pod ${namespace}/${name} has condition ${type}`;
  }
  return undefined;
}
