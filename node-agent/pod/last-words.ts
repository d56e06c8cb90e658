/** What an ended container left to say: its termination message, or why it could not be started. */
import { open, readFile } from 'node:fs/promises';
import type { Pod } from '#api/resources/types.ts';
import { readTail } from '../server/log-tail.ts';
import { logFile, startErrorFile, terminationLog } from './paths.ts';
import { containerNamed } from './pod-containers.ts';
import type { PodState } from './pod-state.ts';
import type { Attempt } from './view.ts';
import type { World } from './world.ts';

/** kubelet's limits (pkg/kubelet/kuberuntime/kuberuntime_container.go). */
const messageBytesMax = 4_096;
const logBytesMax = 2_048;
const logLinesMax = 80;

/** Reads what ended attempts left, once for each. */
export async function collectLastWords(
  world: World,
  state: PodState,
  pod: Pod | undefined,
): Promise<void> {
  for (const attempt of state.allAttempts()) {
    if (attempt.state.phase !== 'exited' || attempt.message !== undefined) continue;
    state.annotate(attempt.id, await lastWords(world, state, pod, attempt));
  }
}

async function lastWords(
  world: World,
  state: PodState,
  pod: Pod | undefined,
  attempt: Attempt,
): Promise<{ reason?: string; message: string }> {
  const { uid } = state.identity;
  const exitCode = attempt.state.phase === 'exited' ? attempt.state.exitCode : 0;
  if (exitCode >= 126 && exitCode <= 128) {
    const error = await readFile(startErrorFile(world.paths, uid, attempt), 'utf8').catch(() => '');
    if (error !== '') return { reason: 'StartError', message: error };
  }
  const message = await readStart(terminationLog(world.paths, uid, attempt));
  const container = pod === undefined ? undefined : containerNamed(pod, attempt.container);
  const policy = container?.terminationMessagePolicy;
  if (message !== '' || exitCode === 0) return { message };
  if (policy !== 'FallbackToLogsOnError') return { message: outOfMemory(attempt) };
  const log = logFile(world.paths, state.identity, attempt);
  const tail = await readTail(log, { lines: logLinesMax, bytes: logBytesMax }).catch(() => '');
  return { message: tail || outOfMemory(attempt) };
}

/** What the kernel killed, and the limit; kubelet says nothing where the container left no message. */
const outOfMemory = ({ state }: Attempt): string =>
  state.phase === 'exited' && state.oomKilled ? (state.message ?? '') : '';

async function readStart(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return '';
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(messageBytesMax));
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
