/** `docker search`: Docker Hub has an index of its own; other registries list their repositories, if they do. */
import { ImageError, type RegistryCredentials } from '../images.ts';
import { readWhole } from './body.ts';
import { registryEndpoint } from './endpoint.ts';
import { RegistryProblem } from './problem.ts';
import type { Registry } from './registry.ts';
import { Repository } from './repository.ts';

export interface SearchHit {
  readonly name: string;
  readonly description: string;
  readonly stars: number;
  readonly official: boolean;
}

const MAX_ANSWER_BYTES = 16 << 20;
const PAGE = 1000;
const MAX_PAGES = 100;

/** Docker Hub's search, which its registry's host does not have (docker/docs, "Docker Hub API"). */
const HUB_INDEX = 'https://index.docker.io/v1/search';

export interface SearchOptions {
  readonly limit: number;
  /** Logins of who asks, tried before the machine's own. */
  readonly logins?: readonly RegistryCredentials[];
  readonly signal?: AbortSignal;
}

/** `host/word` asks that registry, a word alone Docker Hub. @throws ImageError */
export async function searchImages(
  registry: Registry,
  term: string,
  { limit, logins = [], signal }: SearchOptions,
): Promise<readonly SearchHit[]> {
  const slash = term.indexOf('/');
  const first = term.slice(0, Math.max(slash, 0));
  const hasHost = /[.:]/.test(first) || first === 'localhost';
  const host = hasHost ? first : 'docker.io';
  const word = hasHost ? term.slice(slash + 1) : term;
  if (!/^[\w.:/-]*$/.test(term) || (!hasHost && word === '')) {
    throw new ImageError('InvalidReference', `search for '${term}': write [registry/]word`);
  }
  try {
    const ask = { host, word, limit, logins, signal };
    return host === 'docker.io' ? await inHub(registry, ask) : await inCatalog(registry, ask);
  } catch (error) {
    if (!(error instanceof RegistryProblem)) throw error;
    const { status } = error;
    const hasNone = status !== undefined && status >= 400 && status < 500 && status !== 429;
    const advice = hasNone
      ? `; the registry ${host} offers no catalogue to us: pull an image by its name instead`
      : '';
    throw new ImageError('Registry', `search ${term}: ${error.message}${advice}`, { cause: error });
  }
}

interface Ask {
  readonly host: string;
  readonly word: string;
  readonly limit: number;
  readonly logins: readonly RegistryCredentials[];
  readonly signal: AbortSignal | undefined;
}

async function repositoryOn(registry: Registry, { host, logins }: Ask): Promise<Repository> {
  const settings = await registry.settings();
  const endpoint = await registryEndpoint(`${host}/`, settings);
  const [credentials = {}] = await registry.logins(endpoint, settings, logins);
  return new Repository(registry.parts, endpoint, { credentials, actions: 'pull' });
}

async function inCatalog(registry: Registry, ask: Ask) {
  const { host, word, limit, signal } = ask;
  const repository = await repositoryOn(registry, ask);
  const { origin } = await registry.parts.greeting.of(repository.endpoint, signal);
  const hits: SearchHit[] = [];
  let next: URL | undefined = new URL(`/v2/_catalog?n=${PAGE}`, origin);
  for (let page = 0; next !== undefined && page < MAX_PAGES && hits.length < limit; page++) {
    const answer = await repository.ask({ method: 'GET', to: next, good: [200], signal });
    const names = namesOf(await readWhole(answer.body, MAX_ANSWER_BYTES), next);
    const fitting = names.filter((name) => name.includes(word));
    hits.push(
      ...fitting.map((name) => ({
        name: `${host}/${name}`,
        description: '',
        stars: 0,
        official: false,
      })),
    );
    next = nextPage(answer.headers['link'], next);
  }
  return hits.slice(0, limit);
}

function namesOf(body: Buffer, { origin, pathname }: URL): readonly string[] {
  try {
    const { repositories } = JSON.parse(body.toString('utf8')) as { repositories?: unknown };
    if (Array.isArray(repositories)) return repositories.filter((one) => typeof one === 'string');
  } catch {
    // Told below.
  }
  throw new RegistryProblem(
    'refused',
    `GET ${origin}${pathname}: answered no list of repositories`,
  );
}

/** RFC 8288; only on the same server. */
function nextPage(link: string | string[] | undefined, from: URL): URL | undefined {
  const to = /<([^>]+)>\s*;\s*rel="?next"?/.exec([link ?? ''].flat().join(','))?.[1];
  const url = to !== undefined && URL.canParse(to, from.href) ? new URL(to, from) : undefined;
  return url?.origin === from.origin && url.href !== from.href ? url : undefined;
}

async function inHub(registry: Registry, ask: Ask) {
  const { word, limit, signal } = ask;
  const repository = await repositoryOn(registry, ask);
  const url = new URL(HUB_INDEX);
  url.search = new URLSearchParams({ q: word, n: String(Math.min(limit, 100)) }).toString();
  const answer = await repository.ask({ method: 'GET', to: url, good: [200], signal });
  const body = (await readWhole(answer.body, MAX_ANSWER_BYTES)).toString('utf8');
  const { results = [] } = JSON.parse(body) as { results?: Record<string, unknown>[] };
  return results.slice(0, limit).map((one) => ({
    name: String(one['name']),
    description: String(one['description'] ?? ''),
    stars: Number(one['star_count'] ?? 0),
    official: one['is_official'] === true,
  }));
}
