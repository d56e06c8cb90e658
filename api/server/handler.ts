/** One request from its first byte to its last: who, what, may they, then the verb, then the answer. */
import { randomUUID } from 'node:crypto';
import { isLeft } from 'fp-ts/lib/Either.js';
import { failure, type StatusError } from '#api/resources/status.ts';
import type { User } from '../authentication/user.ts';
import type { Kind } from '../schema/kind.ts';
import type { ApiContext, ApiRequest } from '../verbs/request.ts';
import { asStatus } from '../verbs/task.ts';
import { verbFor } from '../verbs/verbs.ts';
import { checkAccess, requester } from './access.ts';
import { readBody } from './body.ts';
import type { Exchange } from './exchange.ts';
import { mediaTypes, negotiate, type Offer } from './negotiation.ts';
import { servePath } from './paths.ts';
import { includeObject, offerOf, render, type View } from './render.ts';
import { type Body, commonHeaders, send, statusBody } from './reply.ts';
import { isStream, type RequestInfo, type ResourceTarget, requestInfo } from './request-info.ts';
import { contextOf, kindOf, warningsOf } from './resource.ts';
import type { ServerState } from './state.ts';
import { openWatch } from './watch.ts';
import { watchSink } from './watch-sink.ts';
import { onBehalfOf } from './write-guards.ts';

/** What a verb's answer is sent as, with its warnings. */
interface Result extends Body {
  readonly warnings: readonly string[];
}

interface Call {
  readonly state: ServerState;
  readonly exchange: Exchange;
  readonly info: RequestInfo;
  readonly target: ResourceTarget;
  readonly user: User;
  readonly auditId: string;
}

/** Answers the exchange; never throws, never rejects. */
export async function handle(state: ServerState, exchange: Exchange): Promise<void> {
  const auditId = String(exchange.headers['audit-id'] ?? randomUUID());
  const ended = state.metrics.begin(exchange.method);
  let info: RequestInfo | undefined;
  try {
    info = parsed(exchange);
    const code = await serve(state, exchange, info, auditId);
    ended(info, state.kinds, code);
  } catch (error) {
    const status = asStatus(error);
    if (status.code === 500) state.log('error', 'request failed', problem(exchange, status));
    ended(info, state.kinds, status.code);
    await fail(exchange, status, auditId);
  }
}

async function fail(exchange: Exchange, status: StatusError, auditId: string): Promise<void> {
  if (exchange.closed) return;
  // Whoever is too slow to ask would be too slow to end.
  if (status.code === 408) exchange.out.once('finish', () => exchange.abort());
  try {
    await send(exchange, await failureBody(exchange, status), commonHeaders(auditId, []));
  } catch {
    exchange.abort();
  }
}

const statuses: Offer = { forms: ['whole'], encodings: ['json', 'protobuf'] };

/** A Status in the encoding the client reads; JSON for one that reads none of ours. */
async function failureBody({ headers }: Exchange, status: StatusError): Promise<Body> {
  const body = statusBody(status);
  if (headers.accept?.startsWith(mediaTypes.protobuf) !== true) return body;
  try {
    if (negotiate(headers.accept, statuses).encoding !== 'protobuf') return body;
  } catch {
    return body;
  }
  const { protobufStatus } = await import('./protobuf-answers.ts');
  return { ...body, contentType: mediaTypes.protobuf, chunks: [protobufStatus(status.status)] };
}

function problem({ method, url }: Exchange, error: StatusError): Record<string, unknown> {
  const cause = error.cause instanceof Error ? error.cause.stack : undefined;
  return { method, url, error: error.message, ...(cause === undefined ? {} : { cause }) };
}

function parsed({ method, url }: Exchange): RequestInfo {
  try {
    return requestInfo(method, url);
  } catch {
    throw failure(400, 'BadRequest', `the URL ${url} is not valid`);
  }
}

/** Serves; resolves with the HTTP code when the answer is on its way. */
async function serve(
  state: ServerState,
  exchange: Exchange,
  info: RequestInfo,
  auditId: string,
): Promise<number> {
  const user = requester(state, exchange.socket, exchange.headers);
  checkAccess(state, user, info);
  const { target } = info;
  if (target === undefined) {
    const body = await servePath(state, info, exchange);
    await send(exchange, body, commonHeaders(auditId, []));
    return body.status;
  }
  return serveResource({ state, exchange, info, target, user, auditId });
}

async function serveResource(call: Call): Promise<number> {
  const { state, exchange, info, target, auditId } = call;
  const context = contextOf(state);
  const kind = kindOf(state, target, info.verb);
  if (isStream(target)) return stream(call, context);
  const accepted = negotiate(exchange.headers.accept, offerOf(kind, info.verb, target.subresource));
  const include = accepted.form === 'table' ? includeObject(info.query) : 'Metadata';
  const view: View = { ...accepted, includeObject: include, now: context.now() };
  const request = await requestOf(call, kind, view);
  if (info.verb === 'watch') return watch(call, request, context, view);
  const body = await run(request, context, view);
  await send(exchange, body, commonHeaders(auditId, body.warnings));
  return body.status;
}

async function stream(call: Call, context: ApiContext): Promise<number> {
  const { state, exchange, info, target, auditId } = call;
  if (state.forwarding === undefined) throw failure(503, 'ServiceUnavailable', 'not connected yet');
  const common = commonHeaders(auditId, []);
  // Loaded with the first stream: starting the server needs none of it.
  const { serveStream } = await import('./streams/streams.ts');
  return serveStream(exchange, { ...info, target }, context, state.forwarding, common);
}

const withBody = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
const nothing = Buffer.alloc(0);

async function requestOf(
  { state, exchange, info, target, user }: Call,
  kind: Kind,
  view: View,
): Promise<ApiRequest> {
  return {
    verb: info.verb,
    kind,
    subresource: target.subresource,
    namespace: target.namespace,
    name: target.name,
    query: info.query,
    user,
    contentType: exchange.headers['content-type'] ?? '',
    userAgent: exchange.headers['user-agent'] ?? '',
    body: withBody.has(exchange.method) ? await readBody(exchange, state.bodyLimits) : nothing,
    asStored: view.form === 'whole' && view.encoding === 'json',
  };
}

async function run(request: ApiRequest, context: ApiContext, view: View): Promise<Result> {
  const verb = verbFor(request.kind, request.subresource, request.verb);
  const told: string[] = [];
  const warn = (text: string) => void told.push(text);
  const answer = await verb(request, { ...onBehalfOf(request, context), warn })();
  if (isLeft(answer)) throw answer.left;
  const { code } = answer.right;
  const warnings = [...answer.right.warnings, ...told, ...warningsOf(request.kind)];
  const rendered = await render(answer.right, view, context.kinds);
  return { status: code, ...rendered, warnings };
}

async function watch(
  { state, exchange, auditId }: Call,
  request: ApiRequest,
  context: ApiContext,
  view: View,
): Promise<number> {
  const parts = { ...context, watchers: state.watchers };
  const opened = await openWatch(state, request, parts, view);
  const headers = {
    ...commonHeaders(auditId, warningsOf(request.kind)),
    'content-type': opened.contentType,
  };
  opened.serve(watchSink(exchange, headers));
  return 200;
}
