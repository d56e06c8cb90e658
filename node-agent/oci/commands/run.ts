/** `run ID`: create and start; unless detached, wait, delete, and end as the program did. */

import { existsSync } from 'node:fs';
import { onlyId, parseFlags } from '../arguments.ts';
import { type Console, openConsole } from '../console.ts';
import { createContainer, openBundle } from '../create.ts';
import { checkCreateFlags, createFlags } from '../create-flags.ts';
import { destroy, killAndWait } from '../destroy.ts';
import { waitFor } from '../foreground.ts';
import type { Globals } from '../globals.ts';
import { startContainer } from '../start.ts';
import type { Place, State } from '../state.ts';

const flagKinds = {
  ...createFlags,
  detach: { kind: 'on', short: 'd' },
  keep: { kind: 'on' },
  'no-subreaper': { kind: 'on' },
} as const;

interface Made {
  readonly place: Place;
  readonly state: State;
}

async function waitAndDelete(
  made: Made,
  detachConsole: () => void,
  keep: boolean,
  globals: Globals,
) {
  const { place, state } = made;
  place.release(); // others may look, signal and exec meanwhile
  const exitCode = await waitFor(state.init?.pid ?? 0);
  detachConsole();
  if (!keep) await destroy(place, state, globals.log);
  return exitCode;
}

async function startOrUndo({ place, state }: Made, globals: Globals): Promise<void> {
  try {
    await startContainer(place, state, globals);
  } catch (error) {
    // A hook that failed has taken it away already.
    if (existsSync(place.directory)) {
      if (state.init !== undefined) await killAndWait(state.init);
      await destroy(place, state, globals.log);
    }
    throw error;
  }
}

async function runWith(console: Console, make: () => Promise<Made>, globals: Globals) {
  const made = await make();
  const detach = await console.attach();
  try {
    await startOrUndo(made, globals);
  } catch (error) {
    detach();
    throw error;
  }
  return { made, detach };
}

export async function run(globals: Globals, words: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(words, flagKinds);
  const id = onlyId(rest);
  checkCreateFlags(flags);
  const { bundle, config } = openBundle(flags.bundle);
  const console = openConsole({
    terminal: config.process?.terminal === true,
    socketPath: flags['console-socket'],
    foreground: !flags.detach,
  });
  const options = {
    id,
    bundle,
    pidFile: flags['pid-file'],
    console: console.socket,
    preserved: flags['preserve-fds'] ?? 0,
  };
  const make = () => createContainer(options, config, globals);
  const { made, detach } = await runWith(console, make, globals).finally(() => console.close());
  if (!flags.detach) return waitAndDelete(made, detach, flags.keep, globals);
  made.place.release();
  return 0;
}
