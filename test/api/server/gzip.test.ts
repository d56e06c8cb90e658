import { crc32, gunzipSync, inflateRawSync } from 'node:zlib';
import t from 'tap';
import { combineCrc } from '#api/server/crc-combine.ts';
import { stitch } from '#api/server/gzip.ts';
import { pack } from '#api/storage/packed.ts';
import { seededRandom } from '../../support/seeded-random.ts';

t.test("two runs' checksums make that of both", async (t) => {
  const { random, seed } = seededRandom();
  t.comment(`seed ${seed}`);
  const pairs = [
    [0, 0],
    [0, 5],
    [5, 0],
    [1, 1],
    [70_000, 3],
    [3, 70_000],
    [255, 256],
  ];
  for (const lengths of pairs) {
    const [a, b] = lengths.map((length) =>
      Buffer.from(Array.from({ length }, () => Math.floor(random() * 256))),
    ) as [Buffer, Buffer];
    t.equal(combineCrc(crc32(a), crc32(b), b.length), crc32(Buffer.concat([a, b])), `${lengths}`);
  }
});

t.test('parts and what is around them are one gzip member', async (t) => {
  const parts = ['{"a":1}', '{"b":2}'.repeat(10_000), '{}'];
  for (const some of [[], parts.slice(0, 1), parts]) {
    const packed = await Promise.all(some.map((part) => pack(Buffer.from(part))));
    const whole = Buffer.concat(stitch(Buffer.from('['), packed, Buffer.from(']')));
    t.equal(gunzipSync(whole).toString(), `[${some.join(',')}]`, 'checksum and length are right');
    // Raw: ends with the first member's last block.
    t.equal(inflateRawSync(whole.subarray(10, -8)).toString(), `[${some.join(',')}]`);
  }
});
