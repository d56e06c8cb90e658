/** The CRI log format: `<RFC3339Nano> <stdout|stderr> <F|P> <text>`, one line each; P is a part of a longer line. */

export interface LogLine {
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** The text ends a line; a part does not. */
  readonly full: boolean;
  readonly text: Buffer;
}

const space = 0x20;

/** One line of the file, without its line feed; undefined when it is not in the format (a torn write). */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(space);
  const second = line.indexOf(space, first + 1);
  const third = line.indexOf(space, second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  const stream = line.toString('latin1', first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  return {
    time: line.toString('latin1', 0, first),
    stream,
    full: line[second + 1] !== 0x50,
    text: line.subarray(third + 1),
  };
}
