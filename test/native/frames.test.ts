import t from 'tap';
import {
  decodeExited,
  decodeFailed,
  decodeStarted,
  encodeFrame,
  encodeNumbers,
  type Frame,
  FrameReader,
  frame,
} from '#native/frames.ts';

const all = (reader: FrameReader, bytes: Buffer): Frame[] => [...reader.push(bytes)];

t.test('frames come out as they went in, however they are cut', async (t) => {
  const sent = [
    encodeFrame(frame.output, Buffer.from('hello')),
    encodeNumbers(frame.resize, 80, 24),
    encodeFrame(frame.stdinEnd),
    encodeFrame(frame.output, Buffer.alloc(16384, 'x')),
  ];
  const bytes = Buffer.concat(sent);
  for (const size of [1, 3, 7, 100, 16384, bytes.length]) {
    const reader = new FrameReader();
    const got: Frame[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      got.push(...all(reader, bytes.subarray(at, at + size)));
    }
    t.strictSame(
      got.map(({ type, payload }) => encodeFrame(type, payload)),
      sent,
      `cut into ${size}`,
    );
  }
});

t.test('numbers and times survive the wire', async (t) => {
  const payload = Buffer.alloc(28);
  payload.writeUInt32LE(137, 0);
  payload.writeUInt32LE(9, 4);
  payload.writeUInt32LE(1, 8);
  payload.writeBigUInt64LE(1_700_000_000_123_456_789n, 12);
  payload.writeBigUInt64LE(1_700_000_001_000_000_001n, 20);
  t.strictSame(decodeExited(payload), {
    exitCode: 137,
    signal: 9,
    oomKilled: true,
    started: 1_700_000_000_123_456_789n,
    finished: 1_700_000_001_000_000_001n,
  });
  t.strictSame(decodeStarted(Buffer.concat([payload.subarray(0, 4), payload.subarray(12, 20)])), {
    pid: 137,
    started: 1_700_000_000_123_456_789n,
  });
});

t.test('a failure names what was tried, on what, and why', async (t) => {
  const text = (value: string) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(Buffer.byteLength(value));
    return Buffer.concat([length, Buffer.from(`${value}\0`)]);
  };
  const numbers = Buffer.from([2, 0, 0, 0, 127, 0, 0, 0]);
  const payload = Buffer.concat([
    numbers,
    text('find the program'),
    text('nöpe'),
    Buffer.from([9, 1, 0, 0]),
  ]);
  t.strictSame(decodeFailed(payload), {
    errno: 2,
    exitCode: 127,
    what: 'find the program',
    path: 'nöpe',
    child: 265,
  });
});
