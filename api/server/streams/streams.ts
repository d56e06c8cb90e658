/** Subresources that are connections and not objects: logs, exec, attach, port-forward, proxies. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { badRequest, failure, type StatusError } from '#api/resources/status.ts';
import type { ApiContext } from '../../verbs/request.ts';
import { asStatus } from '../../verbs/task.ts';
import { checkAccess, requester } from '../access.ts';
import type { Exchange, ReplyHeaders } from '../exchange.ts';
import {
  fileOperations,
  isStream,
  type RequestInfo,
  type ResourceTarget,
  requestInfo,
} from '../request-info.ts';
import type { ServerState } from '../state.ts';
import type { Backend } from './backend.ts';
import { type Forwarding, forward, passOn } from './forward.ts';
import { locate } from './locate.ts';
import { refuseUpgrade, tunnel } from './tunnel.ts';
import { settle } from './unstarted.ts';

const passedOn: ReadonlySet<string> = new Set(['log', 'proxy', ...fileOperations]);

/** An authorized request on a stream; resolves with the code of the answer that is on its way. */
export async function serveStream(
  exchange: Exchange,
  { query, target }: RequestInfo & { readonly target: ResourceTarget },
  context: ApiContext,
  forwarding: Forwarding,
  common: ReplyHeaders,
): Promise<number> {
  await settle(context, target);
  const backend = locate(context.cache, target, query);
  const { subresource } = target;
  if (subresource === 'proxy' && redirects(exchange, target)) {
    const [path, ...rest] = exchange.url.split('?');
    const location = [`${path}/`, ...rest].join('?');
    exchange.respond(301, { ...common, location, 'content-length': 0 });
    exchange.out.end();
    return 301;
  }
  if (subresource === undefined || !passedOn.has(subresource))
    throw badRequest('Upgrade request required');
  if (backend === undefined) {
    exchange.respond(200, { ...common, 'content-type': 'text/plain', 'content-length': 0 });
    exchange.out.end();
    return 200;
  }
  const response = await forward(exchange, backend, forwarding);
  if (subresource === 'log' && response.statusCode !== 200) throw await refusal(response);
  return passOn(exchange, response, {
    ...common,
    ...relocated(exchange, target, response, backend),
  });
}

/** A redirect of what is proxied leads back through this server, if it stays there. */
function relocated(
  { url }: Exchange,
  { subresource, rest }: ResourceTarget,
  { headers: { location } }: IncomingMessage,
  { protocol, host, port }: Backend,
): ReplyHeaders {
  if (subresource !== 'proxy' || location === undefined) return {};
  const base = `${protocol}//${host.includes(':') ? `[${host}]` : host}:${port}`;
  const { pathname: asked } = new URL(url, 'http://api');
  let to: URL;
  try {
    to = new URL(location, `${base}${rest === '' ? '/' : rest}`);
  } catch {
    return {};
  }
  if (to.origin !== new URL(base).origin) return {};
  const decoded = decodeURIComponent(asked);
  const root = rest !== '' && decoded.endsWith(rest) ? decoded.slice(0, -rest.length) : decoded;
  return { location: `${root.replace(/\/$/, '')}${to.pathname}${to.search}${to.hash}` };
}

/** So that relative links of the page lead below it. */
const redirects = ({ method }: Exchange, { rest }: ResourceTarget): boolean =>
  rest === '' && (method === 'GET' || method === 'HEAD');

const reasons: Record<number, string> = {
  400: 'BadRequest',
  403: 'Forbidden',
  404: 'NotFound',
  500: 'InternalError',
};

/** So much is read of why there is no log. */
const refusalBytesMax = 64 * 1024;

/** An agent says in a Status why there is no log, kubelet in plain text. */
async function refusal(response: IncomingMessage): Promise<StatusError> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk;
    if (text.length > refusalBytesMax) break;
  }
  const code = response.statusCode ?? 500;
  const told = statusIn(text);
  if (told !== undefined) return failure(code, told.reason, told.message);
  return failure(code, reasons[code] ?? 'Unknown', text.trim() || `the node answered ${code}`);
}

function statusIn(text: string): { reason: string; message: string } | undefined {
  try {
    const { kind, reason, message } = JSON.parse(text) as Record<string, unknown>;
    if (kind !== 'Status' || typeof message !== 'string') return undefined;
    return { reason: typeof reason === 'string' ? reason : 'Unknown', message };
  } catch {
    return undefined;
  }
}

/** An upgrade from its first byte on: who, may they, then the tunnel. Never rejects. */
export async function serveUpgrade(
  state: ServerState,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on('error', () => socket.destroy());
  const { url = '/', method = 'GET' } = request;
  const ended = state.metrics.begin(method);
  let info: RequestInfo | undefined;
  try {
    info = requestInfo(method, url);
    ended(info, state.kinds, await upgraded(state, info, request, socket, head));
  } catch (error) {
    const status = asStatus(error);
    if (status.code === 500) {
      state.log('error', 'upgrade failed', { method, url, error: status.message });
    }
    ended(info, state.kinds, status.code);
    refuseUpgrade(socket, status);
  }
}

async function upgraded(
  state: ServerState,
  info: RequestInfo,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<number> {
  const { context, forwarding } = state;
  const user = requester(state, request.socket as TLSSocket, request.headers);
  checkAccess(state, user, info);
  const { target } = info;
  if (info.verb === 'watch' && target !== undefined) {
    const { serveWatchSocket } = await import('../watch-socket.ts');
    return serveWatchSocket(state, { ...info, target }, user, { request, socket, head });
  }
  if (target === undefined || !isStream(target)) {
    throw badRequest('the requested resource does not take upgrades');
  }
  if (context === undefined || forwarding === undefined) {
    throw failure(503, 'ServiceUnavailable', 'the server is starting');
  }
  const backend = locate(context.cache, target, info.query);
  if (target.subresource === 'log') {
    const { serveLogSocket } = await import('./log-socket.ts');
    return serveLogSocket({ request, socket, head }, backend, forwarding, refusal);
  }
  if (backend === undefined) throw badRequest('there is nothing to connect to');
  return tunnel(request, socket, head, backend, forwarding);
}
