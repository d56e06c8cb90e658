/**
 * The light client of our own parts: no dependency but Node and one file of RxJS.
 *
 *     const client = connect({ kubeconfig });
 *     const { items } = await client.collection<Pod>(pods).list({ namespace: 'default' });
 */
import type { OutgoingHttpHeaders } from 'node:http2';
import type { Readable } from 'node:stream';
import type { ResourceType } from '#api/resources/meta.ts';
import type { ApiObject, ApplyOptions, Client, Collection } from './collection.ts';
import { type ConnectOptions, type Credentials, credentials } from './credentials.ts';
import { type Exchange, RemoteCollection } from './remote-collection.ts';
import { type RequestOptions, readAll, Session, statusError } from './session.ts';
import { type Upgraded, upgrade } from './upgrade.ts';

export interface StreamOptions {
  readonly headers?: OutgoingHttpHeaders;
  readonly signal?: AbortSignal;
}

export interface RemoteClient extends Client {
  /** For libraries that connect by themselves: `new WebSocket(url, protocols, client.credentials)`. */
  readonly credentials: Credentials;
  /** Server-side apply: makes the object, or makes it follow. */
  apply<T extends ApiObject>(type: ResourceType, object: T, options: ApplyOptions): Promise<T>;
  /** A request whose body and answer are streams: logs, image archives. Rejects unless the answer is 2xx. */
  streamRequest(
    method: string,
    path: string,
    body?: Readable,
    options?: StreamOptions,
  ): Promise<Readable>;
  /** An HTTP/1.1 upgrade on a connection of its own. */
  upgrade(
    path: string,
    options: { readonly headers: OutgoingHttpHeaders; readonly signal?: AbortSignal },
  ): Promise<Upgraded>;
}

const decoded = (body: string, contentType: string | undefined): unknown =>
  contentType?.startsWith('application/json') === true ? JSON.parse(body) : body;

function exchangeOn(session: Session, always: OutgoingHttpHeaders = {}): Exchange {
  return async (method, path, { body, contentType = 'application/json', accept, signal }) => {
    const options: RequestOptions = {
      headers: {
        ...always,
        ...(body === undefined ? {} : { 'content-type': contentType }),
        ...(accept === undefined ? {} : { accept }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    };
    const { status, headers, body: bytes } = await session.exchange(method, path, options);
    if (status >= 400) throw statusError(status, bytes.toString());
    return decoded(bytes.toString(), headers['content-type']);
  };
}

/**
 * A client of one API server. Connects with the first request; reads the credentials at once and throws if it cannot.
 * `userAgent` is the name under which the server keeps what the client writes.
 */
export function connect(options: ConnectOptions, userAgent?: string): RemoteClient {
  const session = new Session(credentials(options), userAgent);
  const exchange = exchangeOn(session);
  return {
    credentials: session.credentials,
    collection: <T extends ApiObject>(type: ResourceType): Collection<T> =>
      new RemoteCollection<T>(type, session, exchange),
    request: (method, path, body, signal, accept) =>
      exchange(method, path, { body, signal, accept }),
    apply: <T extends ApiObject>(type: ResourceType, object: T, how: ApplyOptions) =>
      new RemoteCollection<T>(type, session, exchange).apply(object, how),
    as: (user) => inNameOf(user, session),
    streamRequest: async (method, path, body, { headers = {}, signal } = {}) => {
      const sent = { headers, signal, ...(body === undefined ? {} : { body }) };
      const { status, stream } = await session.send(method, path, sent);
      if (status >= 400) throw statusError(status, (await readAll(stream)).toString());
      return stream;
    },
    upgrade: (path, upgradeOptions) => upgrade(session.credentials, path, upgradeOptions),
    close: () => session.close(),
  };
}

/** Its watches are in our own name: who asks decides what is written, and what is read first. */
function inNameOf(user: string, session: Session): Client {
  const exchange = exchangeOn(session, { 'impersonate-user': user });
  return {
    collection: <T extends ApiObject>(type: ResourceType): Collection<T> =>
      new RemoteCollection<T>(type, session, exchange),
    request: (method, path, body, signal, accept) =>
      exchange(method, path, { body, signal, accept }),
    as: (other) => inNameOf(other, session),
    close: () => undefined,
  };
}
