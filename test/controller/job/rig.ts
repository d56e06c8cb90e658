/** A Job's plan, looked at through words; and what nodes would do with its pods. */
import { pods } from '#api/resources/resource-types.ts';
import type { Job, Pod } from '#api/resources/types.ts';
import { type Plan, plan } from '#controller/job/plan.ts';
import { trackingFinalizer } from '#controller/job/tracking.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';
import { aJob, owned } from '../../support/workload-builders.ts';

export const nowMs = Date.parse('2030-01-01T01:00:00Z');

export const job = (spec = {}, status: Job['status'] = undefined): Job => {
  const made = aJob('work', spec, {}, 'uid-work');
  const metadata = { ...made.metadata, generation: 1 };
  return { ...made, metadata, ...(status === undefined ? {} : { status }) };
};

export const indexed = (completions: number, spec = {}): object => ({
  completions,
  parallelism: completions,
  completionMode: 'Indexed',
  ...spec,
});

const phases: Record<string, string> = { s: 'Succeeded', f: 'Failed', p: 'Pending' };

/**
 * `a:s` the pod `a` has succeeded, `f` failed, `p` waits, else runs; `x` is being deleted, `-` has lost its finalizer, `!7`
 * exited with 7. `2.a` is of the index 2, `2.a+3` after three failures.
 */
export function podsOf(of: Job, text: string): Pod[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((word) => {
      const [, index, name = '', failures, marks = '', code] =
        /^(?:(\d+)\.)?(\w+)(?:\+(\d+))?:?([a-z-]*)(?:!(\d+))?$/.exec(word) ?? [];
      const phase = phases[[...marks].find((mark) => phases[mark]) ?? ''] ?? 'Running';
      const pod = owned(of, name, { phase });
      const annotations = {
        ...(index === undefined ? {} : { 'batch.kubernetes.io/job-completion-index': index }),
        ...(failures === undefined
          ? {}
          : { 'batch.kubernetes.io/job-index-failure-count': failures }),
      };
      pod.metadata.annotations = annotations;
      if (!marks.includes('-')) pod.metadata.finalizers = [trackingFinalizer];
      if (marks.includes('x')) pod.metadata.deletionTimestamp = '2030-01-01T00:59:59Z';
      const exitCode = Number(code ?? (phase === 'Failed' ? 1 : 0));
      const terminated = { exitCode, finishedAt: '2030-01-01T00:30:00Z' };
      if (phase === 'Failed' || phase === 'Succeeded') {
        const state = { terminated };
        pod.status = {
          ...pod.status,
          containerStatuses: [{ name: 'main', state, restartCount: 0 }],
        } as unknown as NonNullable<Pod['status']>;
      }
      return pod;
    });
}

export const look = (of: Job, pods = ''): Plan => plan(of, podsOf(of, pods), nowMs);

/** The type and reason of every condition that is True. */
export const said = ({ status }: Plan): string[] =>
  (status?.conditions ?? [])
    .filter((one) => one.status === 'True')
    .map(({ type, reason }) => `${type} ${reason}`);

/** Ends every running pod of the Job's that `which` picks. */
export function end(
  api: MemoryApi,
  atMs: number,
  exitCode: number,
  which: (pod: Pod) => boolean = () => true,
): void {
  const finishedAt = new Date(atMs).toISOString();
  for (const pod of api.store.all(pods) as Pod[]) {
    if (pod.status?.phase !== 'Running' || !which(pod)) continue;
    const phase = exitCode === 0 ? 'Succeeded' : 'Failed';
    const state = { terminated: { exitCode, finishedAt } };
    const containerStatuses = [{ name: 'main', state, restartCount: 0 }];
    api.store.put(pods, { ...pod, status: { phase, containerStatuses } } as unknown as Pod);
  }
}
