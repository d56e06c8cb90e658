/** docker's credential helpers: `docker-credential-NAME get|store|erase`, told on their standard input. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { StoredLogin } from './login.ts';

const helperMs = 30_000;

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

async function ask(helper: string, verb: string, input: string): Promise<Ended> {
  const program = `docker-credential-${helper}`;
  try {
    const child = spawn(program, [verb], {
      stdio: ['pipe', 'pipe', 'ignore'],
      signal: AbortSignal.timeout(helperMs),
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    child.stdin.on('error', () => undefined); // it need not read
    child.stdin.end(input);
    const [code, output] = await Promise.all([ended, text(child.stdout)]);
    return { code, output };
  } catch (cause) {
    const why = (cause as Error).message;
    throw new Error(`run ${program} ${verb}: ${why}; it is named in docker's config.json`, {
      cause,
    });
  }
}

const failure = (helper: string, verb: string, { code, output }: Ended): Error =>
  new Error(
    `docker-credential-${helper} ${verb} ended with ${code}: ${output.trim().slice(0, 200)}`,
  );

/** undefined: it has none for the server. */
export async function askHelper(helper: string, server: string): Promise<StoredLogin | undefined> {
  const ended = await ask(helper, 'get', server);
  if (ended.code !== 0 && /not found/i.test(ended.output)) return undefined;
  if (ended.code !== 0) throw failure(helper, 'get', ended);
  const { Username = '', Secret = '' } = JSON.parse(ended.output) as Record<string, string>;
  if (Secret === '') return undefined;
  return Username === '<token>'
    ? { identitytoken: Secret }
    : { username: Username, password: Secret };
}

export async function storeInHelper(
  helper: string,
  server: string,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<void> {
  const entry = { ServerURL: server, Username: username, Secret: password };
  const ended = await ask(helper, 'store', JSON.stringify(entry));
  if (ended.code !== 0) throw failure(helper, 'store', ended);
}

/** What is not there is as wanted. */
export async function eraseInHelper(helper: string, server: string): Promise<void> {
  const ended = await ask(helper, 'erase', server);
  if (ended.code !== 0 && !/not found/i.test(ended.output)) throw failure(helper, 'erase', ended);
}
