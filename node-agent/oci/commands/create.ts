/** `create ID`: everything but the program's start. */

import { onlyId, parseFlags } from '../arguments.ts';
import { openConsole } from '../console.ts';
import { createContainer, openBundle } from '../create.ts';
import { checkCreateFlags, createFlags } from '../create-flags.ts';
import type { Globals } from '../globals.ts';

export async function run(globals: Globals, words: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(words, createFlags);
  const id = onlyId(rest);
  checkCreateFlags(flags);
  const { bundle, config } = openBundle(flags.bundle);
  const console = openConsole({
    terminal: config.process?.terminal === true,
    socketPath: flags['console-socket'],
    foreground: false,
  });
  const options = {
    id,
    bundle,
    pidFile: flags['pid-file'],
    console: console.socket,
    preserved: flags['preserve-fds'] ?? 0,
  };
  const { place } = await createContainer(options, config, globals);
  place.release();
  console.close();
  return 0;
}
