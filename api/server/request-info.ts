/** What a URL asks for, as Kubernetes' RequestInfo (apiserver `pkg/endpoints/request/requestinfo.go`). */

export interface ResourceTarget {
  readonly group: string;
  readonly version: string;
  /** Plural. */
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** What follows `…/proxy`, with its leading slash; `''` if nothing does. */
  readonly rest: string;
}

export interface RequestInfo {
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** `get list watch create update patch delete deletecollection`; for other URLs the HTTP method in lower case. */
  readonly verb: string;
  /** Absent for URLs that name no resource: discovery, health, `/version`. */
  readonly target?: ResourceTarget;
}

const verbs: Record<string, string> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
  GET: 'get',
  HEAD: 'get',
};

/** Below a namespace these are subresources of the namespace, not kinds in it. */
const namespaceSubresources = new Set(['status', 'finalize']);

/** Of the files and the processes of a container, as its node serves them. */
export const fileOperations: ReadonlySet<string> = new Set([
  'archive',
  'changes',
  'commit',
  'export',
  'inspect',
  'kill',
  'rollback',
  'stats',
  'top',
]);

const streams = new Set(['log', 'exec', 'attach', 'portforward', 'proxy', ...fileOperations]);

/** Whether the URL is a connection and not an object. */
export function isStream({ subresource }: ResourceTarget): boolean {
  return subresource !== undefined && streams.has(subresource);
}

const isTrue = (value: string | null): boolean => value === 'true' || value === '1';

/** Cuts `/api/v1` or `/apis/group/version` off; `undefined` if the URL has no more steps than that. */
function versioned(steps: readonly string[]): { group: string; version: string; rest: string[] } {
  const [root, first = '', second = '', ...rest] = steps;
  if (root === 'api') return { group: '', version: first, rest: [second, ...rest] };
  return { group: first, version: second, rest };
}

function targetOf(steps: readonly string[]): { target: ResourceTarget; legacyWatch: boolean } {
  let { group, version, rest } = versioned(steps);
  const legacyWatch = rest[0] === 'watch' && rest.length > 1;
  if (legacyWatch) rest = rest.slice(1);
  let namespace: string | undefined;
  const [first, second, third] = rest;
  if (first === 'namespaces' && second !== undefined && third !== undefined) {
    if (!namespaceSubresources.has(third)) {
      namespace = second;
      rest = rest.slice(2);
    }
  }
  const [resource = '', name, subresource, ...tail] = rest;
  const target = {
    group,
    version,
    resource,
    // `namespaces/x` is an object without a namespace; authorization counts it as being in itself.
    namespace: first === 'namespaces' && namespace === undefined ? undefined : namespace,
    name: name === '' ? undefined : name,
    subresource: subresource === '' ? undefined : subresource,
    rest: subresource === 'proxy' && tail.length > 0 ? `/${tail.join('/')}` : '',
  };
  return { target, legacyWatch };
}

/** Shared: nobody changes the query of a request. */
const noQuery = new URLSearchParams();

/** Parses method and URL. Throws `URIError` if a step of the path is no valid percent-encoding. */
export function requestInfo(method: string, url: string): RequestInfo {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? noQuery : new URLSearchParams(url.slice(mark + 1));
  const plain = { path, query, verb: method.toLowerCase() };
  const steps = path.slice(1).split('/');
  const minimum = steps[0] === 'api' ? 3 : 4;
  if ((steps[0] !== 'api' && steps[0] !== 'apis') || steps.length < minimum) return plain;
  if (steps[minimum - 1] === '') return plain;
  const { target, legacyWatch } = targetOf(
    steps.map((step) => (step.includes('%') ? decodeURIComponent(step) : step)),
  );
  return { path, query, target, verb: verbOf(method, target, { query, legacyWatch }) };
}

function verbOf(
  method: string,
  { name, subresource }: ResourceTarget,
  { query, legacyWatch }: { query: URLSearchParams; legacyWatch: boolean },
): string {
  const verb = verbs[method] ?? method.toLowerCase();
  if (verb === 'delete' && name === undefined) return 'deletecollection';
  if (verb !== 'get' || subresource !== undefined) return verb;
  if (legacyWatch || isTrue(query.get('watch'))) return 'watch';
  return name === undefined ? 'list' : 'get';
}
