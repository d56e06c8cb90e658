/** Where an archive comes from: a file, a request's body. */

/**
 * Begins to read at once and hands out what was read when it is asked for. A stream that fails while nobody reads it yet
 * would end the process.
 */
export function startReading(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const pieces = source[Symbol.asyncIterator]();
  const first = pieces.next();
  first.catch(() => {}); // seen by who reads
  return resumed(pieces, first);
}

async function* resumed(
  pieces: AsyncIterator<Buffer>,
  first: Promise<IteratorResult<Buffer>>,
): AsyncGenerator<Buffer> {
  try {
    for (let next = await first; !next.done; next = await pieces.next()) yield next.value;
  } finally {
    await pieces.return?.();
  }
}
