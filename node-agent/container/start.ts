/** Starts a container's supervisor and turns what it says into a connection, or into a StartError. */

import { setImmediate as turn } from 'node:timers/promises';
import { getSystemErrorMessage } from 'node:util';
import { encodeContainer } from '#native/encode.ts';
import { decodeFailed, encodeFrame, type Failed, frame } from '#native/frames.ts';
import { type OpenLayers, openLayers } from '#native/layer-mounts.ts';
import { reap, runSteps, type Step, startSupervisor } from '#native/spawn.ts';
import { cgroupOrder } from './cgroup-order.ts';
import { v2Directory } from './cgroups.ts';
import { SupervisorConnection } from './connection.ts';
import { filterSteps } from './container-filter.ts';
import { containerSteps, type ExitedPhase, exitStep, timeOf } from './records.ts';
import { type ContainerSpec, StartError } from './runtime.ts';
import type { Surroundings } from './surroundings.ts';
import { heldContainer, wireContainer } from './wire-spec.ts';

export interface Supervised {
  readonly type: 'supervised';
  readonly connection: SupervisorConnection;
  readonly supervisor: number;
  /** Of the `started` frame, or of `prepared`. */
  readonly payload: Buffer;
}

export interface FailedStart {
  readonly type: 'failed';
  readonly error: StartError;
  readonly exit: ExitedPhase;
}

const headerBytes = 8;
const goOn = encodeFrame(frame.goOn);

/**
 * The state directory comes first, then the writable layer and the cgroup that the process is born into: whatever is
 * interrupted can be found.
 */
function firstSteps(around: Surroundings, directory: string): Step[] {
  const { spec, cgroup } = around;
  const birthplace = v2Directory(around.hierarchies, cgroup);
  return [
    ...containerSteps(directory, { version: 1, cgroup, spec }),
    ...filterSteps(directory, spec, around.seccomp),
    ['mkdir', spec.layerDir, '711'],
    ['mkdir', `${spec.layerDir}/upper`, '755'],
    ['mkdir', `${spec.layerDir}/work`, '700'],
    ...(birthplace === '' ? [] : [['mkdir', birthplace, '755'] as const]),
  ];
}

/**
 * A failure is an answer here, not an exception: its record is on disk as an ended container's.
 * `held`: the program waits for `letRun`, and ends with the connection.
 */
export async function startContainer({
  spec,
  directory,
  surroundings,
  held,
}: {
  readonly spec: ContainerSpec;
  readonly directory: string;
  readonly surroundings: Promise<Surroundings>;
  readonly held: boolean;
}): Promise<Supervised | FailedStart> {
  let around: Surroundings | undefined;
  let layers: OpenLayers | undefined;
  try {
    const known = await surroundings;
    around = known;
    await turn();
    const opened = await openLayers(spec.layers);
    layers = opened;
    await turn();
    const {
      pid,
      socket,
      frame: bytes,
    } = await startSupervisor({
      directory,
      id: spec.id,
      before: firstSteps(known, directory),
      // In turns, so that the event loop is never held for long; the addon's thread makes directories meanwhile.
      rest: async (give) => {
        await turn();
        const meanwhile = cgroupOrder(known);
        const wire = (held ? heldContainer : wireContainer)(known, opened.paths);
        await turn();
        const encoded = Buffer.from(encodeContainer(wire));
        await turn();
        give({ meanwhile, spec: encoded });
      },
    });
    await turn();
    const payload = bytes.subarray(headerBytes);
    if (bytes[4] === frame.failed) return await failed(directory, refusal(spec, payload));
    const connection = SupervisorConnection.adopt(socket);
    return { type: 'supervised', connection, supervisor: pid, payload };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `start container ${spec.id}: ${why}`;
    return failed(directory, new StartError(message, 128, { cause }));
  } finally {
    around?.joined?.close();
    layers?.close();
  }
}

/** Runs the program of a container that is held. */
export async function letRun(
  spec: ContainerSpec,
  directory: string,
  { connection, supervisor }: Supervised,
): Promise<Supervised | FailedStart> {
  const answer = connection.next();
  connection.sendEncoded(goOn);
  const received = await answer;
  const payload = received?.payload;
  if (received?.type === frame.started && payload !== undefined)
    return { type: 'supervised', connection, supervisor, payload };
  connection.close();
  await reap(supervisor);
  const gone = `start container ${spec.id}: its supervisor ended before the program ran`;
  return failed(
    directory,
    payload === undefined ? new StartError(gone, 128) : refusal(spec, payload),
  );
}

function exitCodeOf(code: number): 126 | 127 | 128 {
  return code === 126 || code === 127 ? code : 128;
}

/** In the words of runc, which Kubernetes' and Docker's users know. */
function refusal(spec: ContainerSpec, payload: Buffer): StartError {
  const failure = decodeFailed(payload);
  return new StartError(refusalMessage(spec.id, failure), exitCodeOf(failure.exitCode));
}

/** What a supervisor could not do, for a message. */
export function refusalMessage(id: string, { errno, exitCode, what, path }: Failed): string {
  const why = errno === 0 ? 'unknown reason' : getSystemErrorMessage(-errno);
  if (exitCode === 127 && !path.includes('/')) {
    return `exec: ${JSON.stringify(path)}: executable file not found in $PATH`;
  }
  if (exitCode !== 128) return `exec: ${JSON.stringify(path)}: ${why}`;
  return `start container ${id}: ${what} ${path}: ${why}`;
}

async function failed(directory: string, error: StartError): Promise<FailedStart> {
  const now = timeOf(BigInt(Date.now()) * 1_000_000n);
  const exit: ExitedPhase = {
    phase: 'exited',
    exitCode: error.exitCode,
    oomKilled: false,
    startedAt: now,
    finishedAt: now,
    reason: 'StartError',
    message: error.message,
  };
  // Full or broken disks must not hide why the start failed.
  await runSteps([['mkdir', directory, '700'], exitStep(directory, exit)]).catch(() => undefined);
  return { type: 'failed', error, exit };
}
