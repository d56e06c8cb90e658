/** The log of a part: JSON lines on stderr, a constant message and fields. */
import { hasReason, StatusError } from '#api/resources/status.ts';
import type { Reconciled } from './reconcile.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';
export type Fields = Readonly<Record<string, unknown>>;
export type Log = Readonly<Record<Level, (message: string, fields?: Fields) => void>>;

const levels: readonly Level[] = ['debug', 'info', 'warn', 'error'];

/** What a failure was, in a field: message, code and reason, the causes beneath. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const head = error instanceof StatusError ? `${error.code} ${error.reason}: ` : '';
  const cause = error.cause === undefined ? '' : ` (because: ${errorText(error.cause)})`;
  return `${head}${error.message}${cause}`;
}

const writeToStderr = (line: string): void => {
  process.stderr.write(line);
};

/** `part` is in every line; lines below `least` (the environment's BAY_LOG, else info) are not written. */
export function createLog(
  part: string,
  least: Level = (process.env['BAY_LOG'] as Level | undefined) ?? 'info',
  write: (line: string) => void = writeToStderr,
): Log {
  const from = levels.indexOf(least);
  const at = (level: Level) => {
    if (levels.indexOf(level) < from) return () => undefined;
    return (message: string, fields: Fields = {}) => {
      const { error, ...rest } = fields;
      const head = { time: new Date().toISOString(), level, part, message, ...rest };
      const line = error === undefined ? head : { ...head, error: errorText(error) };
      write(`${JSON.stringify(line)}\n`);
    };
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A log that nobody reads, for tests. */
export const silent: Log = createLog('silent', 'error', () => undefined);

/**
 * One line a run: what failed as a warning, what acted as information; for debugging what found nothing to do, or a
 * newer version than it had read (it runs again with that).
 */
export function logRun(log: Log, controller: string, run: Reconciled<unknown>): void {
  const { key, ms, actions, error, retryMs } = run;
  const fields = {
    controller,
    key,
    ms: Math.round(ms),
    ...(retryMs === undefined ? {} : { retryMs: Math.round(retryMs) }),
  };
  if (hasReason(error, 'Conflict')) log.debug('reconcile was late', { ...fields, error });
  else if (error !== undefined) log.warn('reconcile failed', { ...fields, error });
  else if (actions.length > 0) log.info('reconciled', { ...fields, actions });
  else log.debug('reconciled', fields);
}
