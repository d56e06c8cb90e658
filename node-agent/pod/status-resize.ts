/** Conditions of a resize under way (KEP-1287): said while there is something to say, and taken back after. Pure. */
import type { ResizeView } from './resizing.ts';

interface Verdict {
  readonly type: string;
  readonly ok: true;
  readonly reason?: string;
  readonly message?: string;
  readonly generation?: number;
}

const pendingType = 'PodResizePending';
const progressType = 'PodResizeInProgress';

/** Conditions that go when they no longer hold. */
export const passing: ReadonlySet<string> = new Set([pendingType, progressType]);

export function resizeVerdicts(resize: ResizeView | undefined): Verdict[] {
  if (resize === undefined) return [];
  const { pending, problem, held, generation } = resize;
  const verdicts: Verdict[] = [];
  if (pending !== undefined) verdicts.push({ type: pendingType, ok: true, ...pending });
  if (held.size > 0 || problem !== undefined) {
    verdicts.push({
      type: progressType,
      ok: true,
      ...(problem === undefined ? {} : { reason: 'Error', message: problem.message }),
      ...(generation === undefined ? {} : { generation }),
    });
  }
  return verdicts;
}
