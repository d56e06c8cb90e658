/** The body of a watch: one JSON document a line. */
import type { Readable } from 'node:stream';
import { Observable } from 'rxjs/internal/Observable';
import { failure, type Status, StatusError } from '#api/resources/status.ts';
import type { ApiEvent, ApiObject } from './collection.ts';
import { readAll, type Session, statusError } from './session.ts';

const newline = 0x0a;

/** Calls `line` for each whole line of the stream; what follows the last newline is dropped. */
export function eachLine(stream: Readable, line: (text: string) => void): void {
  let rest: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const piece = chunk.subarray(start, end);
      line((rest.length === 0 ? piece : Buffer.concat([...rest, piece])).toString());
      rest = [];
      start = end + 1;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  });
}

function event<T extends ApiObject>(text: string): ApiEvent<T> {
  const { type, object } = JSON.parse(text) as { type: string; object: T };
  if (type === 'ERROR') throw new StatusError(object as unknown as Status);
  if (type === 'BOOKMARK') {
    return { type, resourceVersion: object.metadata.resourceVersion ?? '' };
  }
  return { type: type as 'ADDED', object };
}

/** Opens the watch at `path` when subscribed to; unsubscribing closes it. */
export function watchPath<T extends ApiObject>(
  session: Session,
  path: string,
  accept?: string,
): Observable<ApiEvent<T>> {
  return new Observable((subscriber) => {
    const controller = new AbortController();
    const run = async () => {
      const { signal } = controller;
      const headers = accept === undefined ? {} : { accept };
      const { status, stream } = await session.send('GET', path, { headers, signal });
      if (status !== 200) throw statusError(status, (await readAll(stream)).toString());
      await new Promise<void>((resolve, reject) => {
        let broken: Error | undefined;
        stream.on('error', (error) => {
          broken = error;
        });
        stream.once('close', () => (broken === undefined ? resolve() : reject(broken)));
        eachLine(stream, (text) => {
          try {
            if (!subscriber.closed) subscriber.next(event(text));
          } catch (error) {
            reject(error);
          }
        });
      });
    };
    run().then(
      () => subscriber.complete(),
      (error) => subscriber.error(asStatus(error, path)),
    );
    return () => controller.abort();
  });
}

function asStatus(error: unknown, path: string): StatusError {
  if (error instanceof StatusError) return error;
  const { status } = failure(503, 'ServiceUnavailable', `watch ${path}: ${String(error)}`);
  return new StatusError(status, { cause: error });
}
