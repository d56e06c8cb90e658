/** What the tests of this folder ask an API server of their own with. */
import { startTestServer, type TestServer, type TestServerOptions } from '../support/api-server.ts';
import { type RawResponse, raw } from '../support/raw-request.ts';

export interface Api {
  readonly server: TestServer;
  get(path: string, headers?: Record<string, string>): Promise<RawResponse>;
  post(path: string, body: unknown): Promise<RawResponse>;
  put(path: string, body: unknown): Promise<RawResponse>;
  /** `type`: `merge` `json` `strategic` or `apply`. */
  patch(path: string, body: unknown, type?: keyof typeof patchTypes): Promise<RawResponse>;
  delete(path: string, body?: unknown): Promise<RawResponse>;
  /** The events of a watch that lasts a second: `[type, object]`. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of every shape.
  watch(path: string, query: string): Promise<[string, any][]>;
}

const patchTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

export async function startApi(options: TestServerOptions = {}): Promise<Api> {
  return apiOf(await startTestServer(undefined, options));
}

/** Requests to a server that runs already. */
export function apiOf(server: TestServer): Api {
  return {
    server,
    get: (path, headers = {}) => raw(server, 'GET', path, { headers }),
    post: (path, body) => raw(server, 'POST', path, { body }),
    put: (path, body) => raw(server, 'PUT', path, { body }),
    patch: (path, body, type = 'merge') =>
      raw(server, 'PATCH', path, { body, headers: { 'content-type': patchTypes[type] } }),
    delete: (path, body) => raw(server, 'DELETE', path, body === undefined ? {} : { body }),
    watch: async (path, query) => {
      const { text } = await raw(server, 'GET', `${path}?watch=true&timeoutSeconds=1&${query}`);
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
        .map(({ type, object }) => [type, object]);
    },
  };
}
