/** Signals that we get, passed on to the container's program. */
import { errorText } from './errors.ts';

/** Those that end us otherwise, and the two that programs give a meaning to. */
const passed = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Passes signals on until the function it gives is called. What cannot be sent is told. */
export function forwardSignals(send: (signal: string) => Promise<unknown>): () => void {
  const pass = (signal: NodeJS.Signals) => {
    send(signal).catch((error: unknown) => {
      process.stderr.write(`bay: ${signal} was not passed on: ${errorText(error)}\n`);
    });
  };
  for (const signal of passed) process.on(signal, pass);
  return () => {
    for (const signal of passed) process.off(signal, pass);
  };
}
