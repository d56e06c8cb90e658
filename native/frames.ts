/**
 * Frames between us and a supervisor: `src/protocol.h` draws them.
 */

/** Requests and replies by their number on the wire. */
export const frame = {
  status: 1,
  signal: 2,
  resize: 3,
  stdin: 4,
  stdinEnd: 5,
  attach: 6,
  exec: 7,
  reopenLog: 8,
  acknowledge: 9,
  goOn: 10,
  started: 64,
  failed: 65,
  output: 66,
  exited: 67,
  done: 68,
  logLarge: 69,
  prepared: 70,
  outOfMemory: 71,
} as const;

const headerBytes = 8;

/** The longest payload the supervisor takes but for `exec`. */
export const chunkBytes = 16384;
/** The longest payload of `exec`. */
export const execLimitBytes = 1 << 20;

/** A frame, ready to be sent. */
export function encodeFrame(type: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.alloc(headerBytes + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes[4] = type;
  bytes.set(payload, headerBytes);
  return bytes;
}

/** A frame whose payload is 32-bit numbers. */
export function encodeNumbers(type: number, ...values: readonly number[]): Buffer {
  const payload = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    payload.writeUInt32LE(value >>> 0, index * 4);
  });
  return encodeFrame(type, payload);
}

export interface Frame {
  readonly type: number;
  /** 1 stdout, 2 stderr, of `output`. */
  readonly stream: number;
  readonly payload: Buffer;
}

/** Puts received bytes together to frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The whole frames that `bytes` complete. */
  *push(bytes: Buffer): Generator<Frame> {
    let all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (all.length >= headerBytes) {
      const whole = headerBytes + all.readUInt32LE(0);
      if (all.length < whole) break;
      const payload = all.subarray(headerBytes, whole);
      yield { type: all[4] as number, stream: all[5] as number, payload };
      all = all.subarray(whole);
    }
    this.#rest = all;
  }
}

export interface Exited {
  readonly exitCode: number;
  readonly signal: number;
  readonly oomKilled: boolean;
  /** Nanoseconds since 1970. */
  readonly started: bigint;
  readonly finished: bigint;
}

/** The payload of `exited`. */
export function decodeExited(payload: Buffer): Exited {
  return {
    exitCode: payload.readUInt32LE(0),
    signal: payload.readUInt32LE(4),
    oomKilled: payload.readUInt32LE(8) !== 0,
    started: payload.readBigUInt64LE(12),
    finished: payload.readBigUInt64LE(20),
  };
}

/** The payload of `started`. */
export function decodeStarted(payload: Buffer): { pid: number; started: bigint } {
  return { pid: payload.readUInt32LE(0), started: payload.readBigUInt64LE(4) };
}

export interface Failed {
  readonly errno: number;
  readonly exitCode: number;
  /** What was tried, and on what. */
  readonly what: string;
  readonly path: string;
  /** The ended process of a failed hand-over, a child of ours; else 0. */
  readonly child: number;
}

/** The payload of `failed`. */
export function decodeFailed(payload: Buffer): Failed {
  const whatLength = payload.readUInt32LE(8);
  const pathAt = 12 + whatLength + 1;
  const pathLength = payload.readUInt32LE(pathAt);
  return {
    errno: payload.readUInt32LE(0),
    exitCode: payload.readUInt32LE(4),
    what: payload.toString('utf8', 12, 12 + whatLength),
    path: payload.toString('utf8', pathAt + 4, pathAt + 4 + pathLength),
    child: payload.readUInt32LE(pathAt + 4 + pathLength + 1),
  };
}
