/** `successPolicy`: an Indexed Job that has succeeded before all its indexes have. After job/success_policy.go. */
import type { Job } from '#api/resources/types.ts';
import { parseIndexes } from './indexes.ts';

/** Why the Job has succeeded; undefined: it has not by this policy. */
export function succeededBy(job: Job, succeeded: ReadonlySet<number>): string | undefined {
  const { successPolicy, completions = 0 } = job.spec ?? {};
  const place = (successPolicy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) return succeeded.size >= (succeededCount ?? completions);
    const wanted = parseIndexes(succeededIndexes, completions);
    const done = [...wanted].filter((index) => succeeded.has(index)).length;
    return done >= (succeededCount ?? wanted.size);
  });
  return place < 0 ? undefined : `Matched rules at index ${place}`;
}
