/** Watches over WebSocket: one message an event. Loaded with the first of them. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { User } from '../authentication/user.ts';
import type { WatchSink } from '../verbs/watch.ts';
import { negotiate } from './negotiation.ts';
import { includeObject, offerOf } from './render.ts';
import type { RequestInfo, ResourceTarget } from './request-info.ts';
import { contextOf, kindOf } from './resource.ts';
import type { ServerState } from './state.ts';
import { openWatch } from './watch.ts';

export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

const nothing = Buffer.alloc(0);
/** Clients have nothing to say on a watch. */
const messageBytesMax = 4096;

/** Serves an authorized watch; resolves with 101 when the client has it. Throws as a watch over HTTP does. */
export async function serveWatchSocket(
  state: ServerState,
  { query, target }: RequestInfo & { readonly target: ResourceTarget },
  user: User,
  upgrade: Upgrade,
): Promise<number> {
  const context = { ...contextOf(state), watchers: state.watchers };
  const kind = kindOf(state, target, 'watch');
  const { headers } = upgrade.request;
  const accepted = negotiate(headers.accept, offerOf(kind, 'watch', target.subresource));
  const include = accepted.form === 'table' ? includeObject(query) : 'Metadata';
  const view = { ...accepted, includeObject: include, now: context.now() };
  const { subresource, namespace, name } = target;
  const request = { verb: 'watch', kind, subresource, namespace, name, query, user };
  const plain = { contentType: '', userAgent: headers['user-agent'] ?? '', body: nothing };
  const watch = await openWatch(state, { ...request, ...plain, asStored: true }, context, view);
  const socket = await accept(upgrade);
  watch.serve(socketSink(socket, view.encoding === 'protobuf'));
  return 101;
}

/** A token in place of a header is no protocol (KEP-1412's `base64url.bearer.authorization.k8s.io.`). */
const tokenPrefix = 'base64url.bearer.authorization.k8s.io.';

function accept({ request, socket, head }: Upgrade): Promise<WebSocket> {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: messageBytesMax,
    perMessageDeflate: false,
    handleProtocols: (offered) =>
      [...offered].find((name) => !name.startsWith(tokenPrefix)) ?? false,
  });
  return new Promise((resolve) => server.handleUpgrade(request, socket, head, resolve));
}

/** JSON goes as text; protobuf as bytes, without the length that a message has by itself. */
function socketSink(socket: WebSocket, binary: boolean): WatchSink {
  socket.on('error', () => socket.terminate());
  socket.resume();
  return {
    open: () => undefined,
    write: (frames) => {
      if (socket.readyState !== socket.OPEN) return;
      for (const parts of frames) {
        const frame = Buffer.isBuffer(parts) ? parts : Buffer.concat(parts);
        socket.send(binary ? frame.subarray(4) : frame, { binary });
      }
    },
    end: () => socket.close(1000),
    abort: () => socket.terminate(),
    get backlog() {
      return socket.bufferedAmount;
    },
    drained: async () => {
      while (socket.readyState === socket.OPEN && socket.bufferedAmount > drainBytes) {
        await new Promise((resolve) => setTimeout(resolve, drainPollMs));
      }
      await new Promise(setImmediate);
    },
    onClose: (closed) => socket.once('close', closed),
  };
}

/** WebSockets do not tell when they are drained: they are asked, and only by watches that start with a large state. */
const drainBytes = 1024 * 1024;
const drainPollMs = 5;
