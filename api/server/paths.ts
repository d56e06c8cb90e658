/** URLs that name no resource: discovery, OpenAPI, health, version, metrics. */
import { failure } from '#api/resources/status.ts';
import {
  aggregated,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  type DiscoveryDocument,
} from '../schema/discovery.ts';
import type { Kinds } from '../schema/kind.ts';
import type { Exchange } from './exchange.ts';
import { health } from './health.ts';
import { issuerConfiguration, issuerKeys } from './issuer.ts';
import { jsonOnly, mediaRanges, negotiate } from './negotiation.ts';
import { openapi } from './openapi.ts';
import { type Body, jsonBody, textBody } from './reply.ts';
import type { RequestInfo } from './request-info.ts';
import type { ServerState } from './state.ts';
import { versionBody } from './version.ts';

const roots = [
  '/.well-known/openid-configuration',
  ...['/api', '/api/v1', '/apis', '/healthz', '/livez', '/metrics'],
  ...['/openapi/v2', '/openapi/v3', '/openid/v1/jwks', '/readyz', '/version'],
];

/** The aggregated form if the client prefers it to the plain one. */
function aggregatedVersion(accept: string): 'v2' | 'v2beta1' | undefined {
  for (const { type, parameters } of mediaRanges(accept)) {
    const as = parameters.get('as');
    if (type !== 'application/json' && type !== '*/*') continue;
    if (as === undefined) return undefined;
    const version = parameters.get('v');
    if (as !== 'APIGroupDiscoveryList' || parameters.get('g') !== 'apidiscovery.k8s.io') continue;
    if (version === 'v2' || version === 'v2beta1') return version;
  }
  return undefined;
}

function document({ bytes, etag }: DiscoveryDocument, exchange: Exchange, type: string): Body {
  const unchanged = exchange.headers['if-none-match'] === etag;
  return {
    status: unchanged ? 304 : 200,
    contentType: type,
    chunks: unchanged ? [] : [bytes],
    headers: { etag, vary: 'Accept', 'cache-control': 'public' },
  };
}

function plain({ bytes }: DiscoveryDocument): Body {
  return { status: 200, contentType: 'application/json', chunks: [bytes] };
}

function discoveryRoot(kinds: Kinds, which: 'api' | 'apis', exchange: Exchange): Body {
  const accept = exchange.headers.accept ?? '';
  const version = aggregatedVersion(accept);
  if (version !== undefined) {
    const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    return document(aggregated(kinds, which, version), exchange, type);
  }
  negotiate(accept, jsonOnly);
  if (which === 'apis') return plain(apiGroupList(kinds));
  const { localAddress, localPort } = exchange.socket;
  return plain(apiVersions(`${localAddress}:${localPort}`));
}

function discovery(kinds: Kinds, path: string, exchange: Exchange): Body | undefined {
  const [root, first, second, ...more] = path
    .slice(1)
    .split('/')
    .filter((step) => step !== '');
  if (more.length > 0) return undefined;
  if (root === 'api' && second === undefined) {
    if (first === undefined) return discoveryRoot(kinds, 'api', exchange);
    const resources = apiResourceList(kinds, '', first);
    return resources === undefined ? undefined : plain(resources);
  }
  if (root !== 'apis') return undefined;
  if (first === undefined) return discoveryRoot(kinds, 'apis', exchange);
  const found =
    second === undefined ? apiGroup(kinds, first) : apiResourceList(kinds, first, second);
  return found === undefined ? undefined : plain(found);
}

/** The answer for a URL that names no resource. Throws 404 and 405. */
export async function servePath(
  state: ServerState,
  { path, query, verb }: RequestInfo,
  exchange: Exchange,
): Promise<Body> {
  if (verb !== 'get' && verb !== 'head') {
    const message = 'the server does not allow this method on the requested resource';
    throw failure(405, 'MethodNotAllowed', message);
  }
  const [, root] = path.split('/');
  const found = await answer(state, root ?? '', { path, query }, exchange);
  if (found !== undefined) return found;
  throw failure(404, 'NotFound', 'the server could not find the requested resource', {});
}

function issuerPath(
  { tokenKeys }: ServerState,
  path: string,
  { headers, socket }: Exchange,
): Body | undefined {
  if (tokenKeys === undefined) return undefined;
  const { ':authority': authority, host } = headers;
  const own = `${socket.localAddress}:${socket.localPort}`;
  switch (path.replace(/\/$/, '')) {
    case '/.well-known/openid-configuration':
      return issuerConfiguration(tokenKeys, String(authority ?? host ?? own));
    case '/openid/v1/jwks':
      return issuerKeys(tokenKeys);
    default:
      return undefined;
  }
}

async function answer(
  state: ServerState,
  root: string,
  { path, query }: { readonly path: string; readonly query: URLSearchParams },
  exchange: Exchange,
): Promise<Body | undefined> {
  switch (root) {
    case '':
      return jsonBody(200, { paths: roots });
    case 'version':
      return versionBody;
    case 'livez':
    case 'readyz':
    case 'healthz':
      return health(state, path, query);
    case 'metrics':
      return textBody(200, state.metrics.text(state.context?.cache, state.watchers, state.kinds));
    case 'api':
    case 'apis':
      return discovery(state.kinds, path, exchange);
    case 'openapi':
      return openapi(state.kinds, path, query, exchange);
    case '.well-known':
    case 'openid':
      return issuerPath(state, path, exchange);
    default:
      return undefined;
  }
}
