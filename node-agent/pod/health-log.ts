/**
 * `health.json` beside a kept container: what its health check has said lately, as docker keeps it. It outlives stops, starts
 * and the agent, and goes with the container.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** In docker's names. */
export interface CheckResult {
  readonly Start: string;
  readonly End: string;
  /** -1: the command was not started, or not waited for any longer. */
  readonly ExitCode: number;
  readonly Output: string;
}

export interface HealthLog {
  /** Failures in a row, without those of the start period. */
  readonly failingStreak: number;
  /** The latest last. */
  readonly log: readonly CheckResult[];
}

/** Docker's numbers (moby, daemon/health.go: maxLogEntries, maxOutputLen). */
const entriesMax = 5;
const outputBytesMax = 4096;

const pathIn = (dir: string): string => join(dir, 'health.json');

function bounded(output: string): string {
  const bytes = Buffer.from(output);
  if (bytes.length <= outputBytesMax) return output;
  return `${bytes.subarray(0, outputBytesMax).toString()}...`;
}

/** Times in milliseconds since the epoch. */
export function checkResult(of: {
  readonly start: number;
  readonly end: number;
  readonly exitCode: number;
  readonly output: string;
}): CheckResult {
  return {
    Start: new Date(of.start).toISOString(),
    End: new Date(of.end).toISOString(),
    ExitCode: of.exitCode,
    Output: bounded(of.output),
  };
}

/** Undefined when nothing was ever checked. */
export async function readHealthLog(dir: string): Promise<HealthLog | undefined> {
  try {
    return JSON.parse(await readFile(pathIn(dir), 'utf8')) as HealthLog;
  } catch {
    return undefined;
  }
}

/** Adds a result to those of a container's directory; one at a time. @throws Error when it cannot be written */
export async function noteCheck(
  dir: string,
  result: CheckResult,
  failingStreak: number,
): Promise<void> {
  const before = (await readHealthLog(dir))?.log ?? [];
  const log = [...before, result].slice(-entriesMax);
  const path = pathIn(dir);
  await writeFile(`${path}.tmp`, JSON.stringify({ failingStreak, log }), { mode: 0o600 });
  await rename(`${path}.tmp`, path);
}
