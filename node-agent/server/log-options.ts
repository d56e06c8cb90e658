/** The query of `kubectl logs`, as the API server hands it through. */
import { badRequest } from '#api/resources/status.ts';

export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  /** Milliseconds since the epoch: lines before it are left out. */
  readonly since?: number;
  /** The same: lines after it. */
  readonly until?: number;
  readonly limitBytes?: number;
  readonly stream?: 'stdout' | 'stderr';
}

/** @throws StatusError 400 for a value that is not what its parameter takes */
export function logOptions(query: URLSearchParams, now: number): LogOptions {
  const tailLines = count(query, 'tailLines') ?? count(query, 'tail');
  const limitBytes = count(query, 'limitBytes');
  const since = sinceOf(query, now);
  const until = time(query, 'untilTime');
  const stream = query.get('stream')?.toLowerCase();
  return {
    follow: flag(query, 'follow'),
    previous: flag(query, 'previous'),
    timestamps: flag(query, 'timestamps'),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(stream === 'stdout' || stream === 'stderr' ? { stream } : {}),
  };
}

/** Whether a query parameter is set: `1`, `true`, or there without a value. */
export function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  return text !== null && text !== 'false' && text !== '0';
}

function count(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0) {
    throw badRequest(`${name} must be a whole number, not ${JSON.stringify(text)}`);
  }
  return number;
}

function sinceOf(query: URLSearchParams, now: number): number | undefined {
  const seconds = count(query, 'sinceSeconds');
  if (seconds !== undefined) return now - seconds * 1000;
  return time(query, 'sinceTime');
}

function time(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw badRequest(`${name} must be an RFC 3339 time, not ${text}`);
  return at;
}
