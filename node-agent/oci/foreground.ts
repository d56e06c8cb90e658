/** Waits for a process that is our child, passing on to it the signals we get. */

import { waitChild } from '#native/descriptors.ts';

const passedOn = [
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGCONT',
] as const;

/** Its exit code; 128 and the signal's number when one ended it. */
export async function waitFor(pid: number): Promise<number> {
  const pass = (signal: NodeJS.Signals) => {
    try {
      process.kill(pid, signal);
    } catch {
      // Ended meanwhile.
    }
  };
  for (const signal of passedOn) process.on(signal, pass);
  const { exitCode } = await waitChild(pid);
  for (const signal of passedOn) process.off(signal, pass);
  return exitCode;
}
