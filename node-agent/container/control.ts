/** What is asked of a running container over its supervisor's connection. */

import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';
import { encodeNumbers, frame } from '#native/frames.ts';
import type { Hierarchies } from './cgroups.ts';
import type { Container } from './container.ts';
import { ForeignSupervisor, signalForeign } from './foreign.ts';
import { defaultLogLimits, rotateLog } from './log-rotation.ts';

/** The process has ended already: a signal has nobody to reach. */
const esrch = constants.errno.ESRCH;

/** @throws Error for a number that is no signal; one that came too late is no error. */
export async function signalContainer(
  hierarchies: Hierarchies,
  container: Container,
  signal: number,
): Promise<void> {
  if (container.foreign !== undefined) return signalForeign(hierarchies, container, signal);
  const { connection, state, spec } = container;
  if (state.phase !== 'running' || connection === undefined) return;
  const errno = await connection.request(encodeNumbers(frame.signal, signal));
  if (errno === undefined || errno === 0 || errno === esrch) return;
  const why = getSystemErrorMessage(-errno);
  throw new Error(`send signal ${signal} to container ${spec.id}: ${why}`);
}

/** After its log was moved away: the rest goes into a new file. Of an ended container nothing is to do. */
export async function reopenLog(container: Container): Promise<void> {
  const { connection, spec, foreign, state } = container;
  if (foreign !== undefined && state.phase === 'running')
    throw new ForeignSupervisor('open anew the log of', container);
  // Its supervisor may be there a little longer, and would make an empty one.
  if (state.phase === 'exited') return;
  const errno = await connection?.request(encodeNumbers(frame.reopenLog));
  if (errno === undefined || errno === 0) return;
  throw new Error(`open the log of container ${spec.id} anew: ${getSystemErrorMessage(-errno)}`);
}

/** A supervisor says once a file that it is large: there is one rotation of a log at a time. */
export async function rotateContainerLog(container: Container): Promise<void> {
  const { spec } = container;
  await rotateLog(spec.logPath, spec.logLimits ?? defaultLogLimits);
  await reopenLog(container);
}
