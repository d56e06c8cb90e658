/** What all commands share: where state is kept, and where failures are told. */

import { appendFileSync } from 'node:fs';
import { UsageError } from './arguments.ts';

export interface Log {
  /** Something is not as asked for, but the command goes on. */
  warn(message: string): void;
  debug(message: string): void;
  /** Tells why the command failed; gives its exit code. */
  failed(error: unknown): number;
}

export interface Globals {
  /** The directory that holds one directory a container. */
  readonly root: string;
  readonly log: Log;
}

/** Another exit code than 1 for a failure. */
export class ExitError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

function line(format: string, level: string, message: string): string {
  const time = new Date().toISOString();
  if (format === 'json') return `${JSON.stringify({ level, msg: message, time })}\n`;
  return `time="${time}" level=${level} msg=${JSON.stringify(message)}\n`;
}

/** Failures go to stderr and, when there is one, to the log of `--log`, in runc's two formats. */
export function openLog(options: {
  readonly path: string | undefined;
  readonly format: string | undefined;
  readonly debug: boolean;
}): Log {
  const { path, format = 'text', debug } = options;
  if (format !== 'text' && format !== 'json') {
    throw new UsageError(`--log-format: expected text or json, found ${format}`);
  }
  const write = (level: string, message: string) => {
    if (path === undefined) {
      if (level !== 'error') process.stderr.write(line(format, level, message));
      return;
    }
    try {
      appendFileSync(path, line(format, level, message), { mode: 0o600 });
    } catch (error) {
      process.stderr.write(`bay oci: log to ${path}: ${(error as Error).message}\n`);
    }
  };
  return {
    warn: (message) => write('warning', message),
    debug: (message) => {
      if (debug) write('debug', message);
    },
    failed: (error) => {
      const message = error instanceof Error ? error.message : String(error);
      write('error', message);
      process.stderr.write(`bay oci: ${message}\n`);
      if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
      return error instanceof ExitError ? error.exitCode : 1;
    },
  };
}
