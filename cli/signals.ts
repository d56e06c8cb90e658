/** Signals that we get, passed on to the container's program or taken as the wish to leave it. */
import { constants } from 'node:os';
import type { RemoteClient } from '#api/client/client.ts';
import { errorText } from './errors.ts';
import { filesPath } from './files.ts';

/** Those that end us otherwise, and the two that programs give a meaning to. */
const passed = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Hands signals to `take` until the function it gives is called. */
function onSignals(take: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of passed) process.on(signal, take);
  return () => {
    for (const signal of passed) process.off(signal, take);
  };
}

/** Passes signals on to the container until the function it gives is called. What cannot be sent is told. */
export function forwardSignals(
  client: RemoteClient,
  { name, namespace }: { readonly name: string; readonly namespace: string },
): () => void {
  return onSignals((signal) => {
    const path = filesPath({ text: name, namespace }, 'kill', new URLSearchParams({ signal }));
    client.request('POST', path).catch((error: unknown) => {
      process.stderr.write(`bay: ${signal} was not passed on: ${errorText(error)}\n`);
    });
  });
}

/** Signals abort `signal`, whose reason is the name of the first, until `stop`. */
export function abortOnSignals(): { readonly signal: AbortSignal; stop(): void } {
  const leaving = new AbortController();
  return { signal: leaving.signal, stop: onSignals((name) => leaving.abort(name)) };
}

/** What a shell has for a program that the signal ended. */
export const codeOfSignal = ({ reason }: AbortSignal): number =>
  128 + constants.signals[reason as NodeJS.Signals];
