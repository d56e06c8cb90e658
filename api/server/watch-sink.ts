/** A watch's writing end over an exchange. */
import type { WatchSink } from '../verbs/watch.ts';
import type { Exchange, ReplyHeaders } from './exchange.ts';

export function watchSink(exchange: Exchange, headers: ReplyHeaders): WatchSink {
  const { out } = exchange;
  return {
    open: () => exchange.respond(200, headers),
    write: (frames) => {
      if (!exchange.closed && frames.length > 0) out.write(joined(frames.flat()));
    },
    end: () => out.end(),
    abort: () => exchange.abort(),
    get backlog() {
      return out.writableLength;
    },
    drained: () => {
      if (!out.writableNeedDrain || exchange.closed) return new Promise(setImmediate);
      return new Promise((resolve) => {
        const done = () => {
          out.off('drain', done);
          out.off('close', done);
          resolve();
        };
        out.once('drain', done);
        out.once('close', done);
      });
    },
    onClose: (closed) => out.once('close', closed),
  };
}

interface Joined {
  readonly parts: readonly Buffer[];
  readonly whole: Buffer;
}

/** Watchers of the same write the same, one right after the other: the bytes are put together once. */
let latest: Joined | undefined;

function joined(parts: readonly Buffer[]): Buffer {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  if (latest !== undefined && isSame(parts, latest.parts)) return latest.whole;
  if (latest === undefined) setImmediate(forget);
  const whole = Buffer.concat(parts);
  latest = { parts, whole };
  return whole;
}

const forget = (): void => {
  latest = undefined;
};

const isSame = (a: readonly Buffer[], b: readonly Buffer[]): boolean =>
  a.length === b.length && a.every((part, at) => part === b[at]);
