/** `/livez`, `/readyz`, `/healthz` and their single checks. */
import type { Body } from './reply.ts';
import { textBody } from './reply.ts';
import type { ServerState } from './state.ts';

type Check = () => string | undefined | Promise<string | undefined>;

/** A store that takes longer is as good as away. */
const storeMs = 2000;

async function storeProblem({ storage }: ServerState): Promise<string | undefined> {
  if (storage === undefined) return 'not connected yet';
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer in ${storeMs} ms`), storeMs);
  });
  const answer = storage.ping().then(
    () => undefined,
    (error: Error) => error.message,
  );
  const problem = await Promise.race([answer, late]);
  clearTimeout(timer);
  return problem;
}

function checks(endpoint: string, state: ServerState): Record<string, Check> {
  const ping: Check = () => undefined;
  if (endpoint === 'livez') return { ping };
  const common = { ping, etcd: () => storeProblem(state) };
  if (endpoint === 'healthz') return common;
  return {
    ...common,
    'cache-filled': () => (state.context === undefined ? 'the cache is not filled yet' : undefined),
    'bootstrap-namespaces': () => (state.ready ? undefined : 'not all exist yet'),
    shutdown: () => (state.stopping ? 'the server is shutting down' : undefined),
  };
}

/** The answer for `/livez`, `/readyz/etcd` and the like; `undefined` if there is no such check. */
export async function health(
  state: ServerState,
  path: string,
  query: URLSearchParams,
): Promise<Body | undefined> {
  const [endpoint = '', name] = path.slice(1).split('/');
  const all = Object.entries(checks(endpoint, state));
  const excluded = query.getAll('exclude');
  const chosen = all.filter(([check]) =>
    name === undefined || name === '' ? !excluded.includes(check) : check === name,
  );
  if (chosen.length === 0) return undefined;
  const results = await Promise.all(
    chosen.map(async ([check, run]) => ({ check, problem: await run() })),
  );
  const good = results.every(({ problem }) => problem === undefined);
  if (good && !query.has('verbose')) return textBody(200, 'ok');
  const lines = results.map(({ check, problem }) =>
    problem === undefined ? `[+]${check} ok` : `[-]${check} failed: ${problem}`,
  );
  const verdict = `${endpoint} check ${good ? 'passed' : 'failed'}`;
  return textBody(good ? 200 : 500, `${[...lines, verdict].join('\n')}\n`);
}
