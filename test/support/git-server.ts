/** Git over https: what `git http-backend` answers, behind a login, from a server with a certificate of its own CA. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { ensurePki } from '#api/pki/pki.ts';

export interface GitServer {
  readonly url: string;
  /** PEM of the CA that signed the server's certificate. */
  readonly ca: string;
  /** `authorization` headers that came. */
  readonly logins: (string | undefined)[];
  /** While false every answer is 503. */
  isUp: boolean;
  /** Where every request is sent instead. */
  redirect: string | undefined;
  close(): void;
}

/** Runs the CGI program that comes with git, and answers what it says. */
function serve(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'https://x');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      PATH_INFO: pathname,
      QUERY_STRING: searchParams.toString(),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'],
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      GIT_PROTOCOL: request.headers['git-protocol'] as string | undefined,
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  request.pipe(child.stdin).on('error', () => undefined);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.once('close', () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf('\r\n\r\n');
    for (const line of all.toString('latin1', 0, end).split('\r\n')) {
      const colon = line.indexOf(':');
      const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.end(all.subarray(end + 4));
  });
}

/** Serves the repositories below `root` to those who send `login` (`user:password`). */
export async function startGitServer(
  root: string,
  pki: string,
  login?: string,
): Promise<GitServer> {
  await ensurePki({ dir: pki, nodeNames: [], hosts: [] });
  const file = (name: string) => readFileSync(join(pki, name), 'utf8');
  const wanted = login && `Basic ${Buffer.from(login).toString('base64')}`;
  const logins: (string | undefined)[] = [];
  const state = { isUp: true, redirect: undefined as string | undefined };
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const { authorization } = request.headers;
    logins.push(authorization);
    if (!state.isUp) response.writeHead(503).end();
    else if (state.redirect !== undefined) {
      response.writeHead(302, { location: `${state.redirect}${request.url}` }).end();
    } else if (wanted !== undefined && authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    } else serve(root, request, response);
  };
  const server: Server = createServer(
    { cert: file('api-server.crt'), key: file('api-server.key') },
    answer,
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return Object.assign(state, {
    url: `https://127.0.0.1:${port}`,
    ca: file('ca.crt'),
    logins,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  });
}
