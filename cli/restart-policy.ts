/** Docker's `--restart`. */
import { UsageError } from './arguments.ts';

/** Pure: `no`, `always`, `unless-stopped`, `on-failure[:N]`. @throws UsageError for anything else */
export function restartOf(text: string): {
  readonly restartPolicy: string;
  readonly maximumRetryCount?: number;
} {
  const [policy = '', count, more] = text.split(':');
  if (!['no', 'always', 'unless-stopped', 'on-failure'].includes(policy) || more !== undefined) {
    throw new UsageError(
      `--restart '${text}': one of no, always, unless-stopped, on-failure[:COUNT]`,
    );
  }
  if (count === undefined) return { restartPolicy: policy };
  if (policy !== 'on-failure' || !/^\d+$/.test(count)) {
    throw new UsageError(`--restart '${text}': only on-failure has a count, a whole number`);
  }
  return { restartPolicy: policy, maximumRetryCount: Number(count) };
}
