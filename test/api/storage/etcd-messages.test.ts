import t from 'tap';
import { decodeRange, decodeWatch, encodeTxn } from '#api/storage/etcd-messages.ts';
import { FrameReader } from '#api/storage/grpc-frames.ts';
import { MessageReader, MessageWriter } from '#api/storage/protobuf.ts';
import { seededRandom } from '../../support/seeded-random.ts';

/** A written message without its frame header. */
const messageOf = (writer: MessageWriter) => writer.frame().subarray(5);

t.test('numbers up to 2^53 are written and read back', async (t) => {
  for (const value of [1, 127, 128, 300, 2 ** 31, 2 ** 32, 2 ** 32 + 5, 2 ** 50, 2 ** 53 - 1]) {
    const reader = new MessageReader(messageOf(new MessageWriter().uint(3, value)));
    t.ok(reader.next());
    t.same([reader.field, reader.int(), reader.next()], [3, value, false]);
  }
});

t.test('a nested message of any length is read back', async (t) => {
  for (const length of [0, 1, 127, 128, 20_000, 3_000_000]) {
    const content = Buffer.alloc(length, 7);
    const writer = new MessageWriter(0).message(2, (nested) => nested.bytes(5, content));
    const reader = new MessageReader(messageOf(writer));
    t.ok(reader.next());
    const nested = new MessageReader(reader.bytes());
    t.ok(nested.next());
    t.ok(nested.bytes().equals(content), `${length} bytes`);
  }
});

t.test('a message that is cut short is refused', async (t) => {
  const bytes = messageOf(new MessageWriter().bytes(1, Buffer.from('abc')).uint(2, 300));
  for (const length of [1, 3, bytes.length - 1]) {
    t.throws(() => {
      const reader = new MessageReader(bytes.subarray(0, length));
      while (reader.next()) reader.skip();
    }, RangeError);
  }
});

t.test('fields that are not known are skipped, whatever their type', async (t) => {
  const unknown = Buffer.from([0xf9, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0xfd, 1, 1, 2, 3, 4]);
  const range = messageOf(new MessageWriter().uint(40, 5).bytes(41, Buffer.from('x')).uint(3, 1));
  t.same(decodeRange(Buffer.concat([unknown, range])), { revision: 0, kvs: [], more: true });
});

t.test('a watch response with a watch id of -1 is read', async (t) => {
  const minusOne = Buffer.from([0x10, ...Array(9).fill(0xff), 1]);
  const header = messageOf(new MessageWriter().message(1, (nested) => nested.uint(3, 77)));
  const response = decodeWatch(Buffer.concat([header, minusOne]));
  t.match(response, { revision: 77, created: false, canceled: false, events: [] });
});

t.test('an expected revision of zero is written out', async (t) => {
  const frame = encodeTxn(Buffer.from('/a'), 0, undefined);
  // Field 6 (mod_revision of the oneof), value 0.
  t.ok(frame.includes(Buffer.from([0x30, 0])));
});

t.test('messages are found however the bytes are cut', async (t) => {
  const { random, seed } = seededRandom();
  t.comment(`seed ${seed}`);
  const messages = Array.from({ length: 50 }, (_, n) => Buffer.alloc(n * n * 3, n));
  const frames = messages.map((message) => {
    const frame = Buffer.alloc(5 + message.length);
    frame.writeUInt32BE(message.length, 1);
    message.copy(frame, 5);
    return frame;
  });
  const bytes = Buffer.concat(frames);
  const reader = new FrameReader();
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + Math.floor(random() * 3000);
    found.push(...reader.push(bytes.subarray(at, end)));
    at = end;
  }
  t.same(found, messages);
  t.throws(() => reader.push(Buffer.from([1, 0, 0, 0, 0])), { message: /compressed/ });
});
