/** Work on a container whose processes stand still meanwhile, as `docker commit` does it. */
import type { OperationsWorld, Place } from './place.ts';

/** A container that rests, is paused or ends meanwhile is worked on as it is. What was frozen for it goes on afterwards. */
export async function whileStill<T>(
  { runtime, pods }: OperationsWorld,
  { namespace, name, id }: Place,
  work: () => Promise<T>,
): Promise<T> {
  const state = id === undefined ? undefined : runtime.get(id)?.state;
  if (id === undefined || state?.phase !== 'running' || state.paused === true) return work();
  const pod = pods.find(namespace, name)?.state;
  // The agent would let it go on: no document wants it frozen.
  if (pod !== undefined) pod.holds += 1;
  try {
    const frozen = await runtime.pause(id).then(
      () => true,
      (error: unknown) => {
        if (runtime.get(id)?.state.phase === 'running') throw error;
        return false;
      },
    );
    try {
      return await work();
    } finally {
      if (frozen) await runtime.resume(id).catch(() => undefined);
    }
  } finally {
    if (pod !== undefined) {
      pod.holds -= 1;
      pod.wake();
    }
  }
}
