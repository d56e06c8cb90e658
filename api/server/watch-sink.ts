/** A watch's writing end over an exchange. */
import type { WatchSink } from '../verbs/watch.ts';
import type { Exchange, ReplyHeaders } from './exchange.ts';

export function watchSink(exchange: Exchange, headers: ReplyHeaders): WatchSink {
  const { out } = exchange;
  return {
    open: () => exchange.respond(200, headers),
    write: (frames) => {
      const [first] = frames;
      if (exchange.closed || first === undefined) return;
      out.write(frames.length === 1 ? first : Buffer.concat(frames));
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
