/** What the API's status tells of a container this node has no record of. Pure. */
import type { ContainerStatus } from '#api/resources/types.ts';
import type { Attempt } from './view.ts';

const epoch = '1970-01-01T00:00:00Z';

/** An attempt of which only the API's status is left; one that seemed to run is over with kubelet's 137. */
export function lostAttempt(status: ContainerStatus, now: number): Attempt {
  const ended = status.state?.terminated ?? status.lastState?.terminated;
  const id = (status.containerID ?? '').replace(/^.*:\/\//, '');
  const base = {
    id,
    container: status.name,
    attempt: status.restartCount,
    restartDelayMs: 0,
    imageId: status.imageID,
  };
  const isEnded = status.state?.running === undefined && ended !== undefined;
  const startedAt = ended?.startedAt ?? status.state?.running?.startedAt ?? epoch;
  const finishedAt = ended?.finishedAt ?? epoch;
  if (!isEnded) {
    const state = {
      phase: 'exited',
      exitCode: 137,
      oomKilled: false,
      startedAt,
      finishedAt: new Date(now).toISOString(),
    };
    const message = 'The container could not be located when the node agent started';
    return {
      ...base,
      state: { ...state, phase: 'exited' },
      reason: 'ContainerStatusUnknown',
      message,
    };
  }
  return {
    ...base,
    state: { phase: 'exited', exitCode: ended.exitCode, oomKilled: false, startedAt, finishedAt },
    ...(ended.reason === undefined ? {} : { reason: ended.reason }),
    ...(ended.message === undefined ? {} : { message: ended.message }),
  };
}
