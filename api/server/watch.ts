/** A watch from its request to its first event, whatever it is carried by. */
import { failure } from '#api/resources/status.ts';
import type { ApiContext, ApiRequest } from '../verbs/request.ts';
import { prepareWatch, serveWatch, type WatchSink } from '../verbs/watch.ts';
import type { Watchers } from '../verbs/watchers.ts';
import { eventForm, type View } from './render.ts';
import type { ServerState } from './state.ts';

export interface OpenedWatch {
  /** What the events are written in. */
  readonly contentType: string;
  /** Runs the watch; returns at once. */
  serve(sink: WatchSink): void;
}

/** Everything that can be refused is refused here. Throws 400, 405, 422, 503 and 504. */
export async function openWatch(
  state: ServerState,
  request: ApiRequest,
  context: ApiContext & { readonly watchers: Watchers },
  view: View,
): Promise<OpenedWatch> {
  if (!request.kind.verbs.includes('watch') || request.subresource !== undefined) {
    const message = 'the server does not allow this method on the requested resource';
    throw failure(405, 'MethodNotAllowed', message);
  }
  const prepared = await prepareWatch(request, context);
  if (state.stopping) throw failure(503, 'ServiceUnavailable', 'the server is shutting down');
  const form = await eventForm(request.kind, view, context.kinds, context.now);
  return {
    contentType: form?.contentType ?? 'application/json',
    serve: (sink) => serveWatch(request, context, prepared, sink, form),
  };
}
