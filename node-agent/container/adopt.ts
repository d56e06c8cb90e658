/** Finds the containers an earlier agent left, and takes each over, reports its end, or undoes its half-made start. */

import { NativeError } from '#native/binding.ts';
import { decodeStarted, encodeNumbers, type Frame, frame } from '#native/frames.ts';
import { protocolVersion } from '#native/protocol.ts';
import { runSteps } from '#native/spawn.ts';
import { isFrozen, removeCgroupSteps } from './cgroup-files.ts';
import type { Hierarchies } from './cgroups.ts';
import { SupervisorConnection } from './connection.ts';
import type { Container } from './container.ts';
import { leaveAlone } from './foreign.ts';
import { interruptedStart, lostExit } from './lost.ts';
import {
  forgetSteps,
  namesIn,
  readContainer,
  readExit,
  readState,
  type StoredState,
  timeOf,
} from './records.ts';
import type { ContainerSpec } from './runtime.ts';

/** A supervisor answers in less than a millisecond; one that a dead disk or server holds, when that is back. */
const patienceMs = 1_000;
/** Containers taken over at once: more of them only have their supervisors wait for the processors this thread needs. */
const atOnce = 8;

export interface Adoption {
  readonly place: string;
  readonly hierarchies: Hierarchies;
  readonly make: (facts: {
    readonly spec: ContainerSpec;
    readonly directory: string;
    readonly cgroup: string;
  }) => Container;
  readonly isOpen: () => boolean;
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Every container there is a trace of. Nothing is left of those that never ran. */
export async function adoptContainers(adoption: Adoption): Promise<Container[]> {
  const names = await namesIn(adoption.place);
  const adopted: (Container | undefined)[] = [];
  const left = names[Symbol.iterator]();
  // All at once their answers would come at once, and hold the event loop for a tenth of a second.
  const lane = async () => {
    for (const name of left) adopted.push(await adopt(adoption, name));
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return adopted.filter((container) => container !== undefined);
}

async function adopt(adoption: Adoption, name: string): Promise<Container | undefined> {
  const { hierarchies } = adoption;
  const directory = `${adoption.place}/${name}`;
  const [stored, state] = await Promise.all([readContainer(directory), readState(directory)]);
  if (stored === undefined) {
    // The specification is the first thing written and the first removed: there is nothing else.
    await runSteps([['remove', directory, '']]);
    return;
  }
  const { spec, cgroup } = stored;
  const container = adoption.make({ spec, directory, cgroup });
  if (state !== undefined && state.version !== protocolVersion) {
    adoption.log('supervisor speaks another version: its container is left alone', {
      container: spec.id,
      version: state.version,
      known: protocolVersion,
    });
    await leaveAlone(container, state, adoption);
    return container;
  }
  if (await takeOver(adoption, container, state)) {
    if (await isFrozen(hierarchies, cgroup)) container.pauses(true);
    return container;
  }
  return finish(hierarchies, container);
}

/** Connects to the supervisor; false when there is none, or it ends just now. */
async function takeOver(
  adoption: Adoption,
  container: Container,
  state: StoredState | undefined,
): Promise<boolean> {
  const connection = controlOf(container);
  if (connection === undefined) return false;
  connection.sendEncoded(encodeNumbers(frame.status));
  const answer = connection.next();
  const inTime = await withPatience(answer);
  if (inTime !== 'silent') return runs(container, connection, inTime);
  adoption.log('supervisor does not answer yet', { container: container.spec.id });
  if (state !== undefined) container.runs(connection, state);
  else {
    // It may still start its program: it is waited for, so that nobody starts another one for the same attempt.
    container.holds(connection);
    void answer.then((late) => settle(adoption, { container, connection, late }));
  }
  return true;
}

function withPatience(answer: Promise<Frame | undefined>): Promise<Frame | undefined | 'silent'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('silent'), patienceMs);
    void answer.then((inTime) => {
      clearTimeout(timer);
      resolve(inTime);
    });
  });
}

/** False: the supervisor has ended without its program having run, or its end is on disk. */
function runs(
  container: Container,
  connection: SupervisorConnection,
  answer: Frame | undefined,
): boolean {
  if (answer?.type !== frame.started) {
    connection.close();
    return false;
  }
  const { pid, started } = decodeStarted(answer.payload);
  container.runs(connection, { pid, startedAt: timeOf(started) });
  return true;
}

async function settle(
  { hierarchies }: Adoption,
  late: {
    readonly container: Container;
    readonly connection: SupervisorConnection;
    readonly late: Frame | undefined;
  },
): Promise<void> {
  const { container } = late;
  if (runs(container, late.connection, late.late)) return;
  const state = await readState(container.directory);
  const ended = state === undefined ? interruptedStart : lostExit;
  container.ends(await ended(hierarchies, container));
}

function controlOf({ directory }: Container): SupervisorConnection | undefined {
  try {
    return SupervisorConnection.control(directory);
  } catch (error) {
    if (error instanceof NativeError && ['ENOENT', 'ECONNREFUSED'].includes(error.code)) return;
    throw error;
  }
}

/**
 * There is no supervisor. The end was written down, or it was lost while running, or it never came to run. What is on
 * disk is read only now: a supervisor that just ended wrote it before.
 */
async function finish(
  hierarchies: Hierarchies,
  container: Container,
): Promise<Container | undefined> {
  const { directory, cgroup } = container;
  const [exit, state] = await Promise.all([readExit(directory), readState(directory)]);
  if (exit === undefined && state === undefined) {
    await runSteps([...removeCgroupSteps(hierarchies, cgroup), ...forgetSteps(directory)]);
    return;
  }
  container.ends(exit ?? (await lostExit(hierarchies, container)));
  return container;
}
