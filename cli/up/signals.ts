/** The signals that ask `bay up` to stop the cluster. */
import { constants } from 'node:os';

const asking = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Resolves with the signal's name when somebody asks us to end, or the terminal goes. */
export function untilSignal(): Promise<string> {
  // Nobody may be left to read what we say; the cluster is kept all the same.
  process.stdout.on('error', () => {});
  return new Promise((done) => {
    for (const signal of asking) process.on(signal, () => done(signal));
  });
}

/** `SIGTERM` for 15. */
export function signalName(number: number): string {
  return asking.find((name) => constants.signals[name] === number) ?? `signal ${number}`;
}
