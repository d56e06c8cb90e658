/** One JSON line an event to stderr: a constant message and fields. */

export type Fields = Readonly<Record<string, unknown>>;

export type Log = (level: 'info' | 'warn' | 'error', message: string, fields?: Fields) => void;

/** Writes to stderr. */
export const logLine: Log = (level, message, fields = {}) => {
  const line = { time: new Date().toISOString(), level, part: 'api', message, ...fields };
  process.stderr.write(`${JSON.stringify(line)}\n`);
};
