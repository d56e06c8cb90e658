/** `bay login`: has a node ask the registry whether it takes the login, and keeps it where docker does. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { hasReason } from '#api/resources/status.ts';
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { imageOptions, imagesPath, loginHeader, nodeNames } from '../images.ts';
import { configPath, keepLogin, serverHost, serverKey } from '../registry-login/login.ts';

const options = {
  ...imageOptions,
  username: { type: 'string', short: 'u' },
  password: { type: 'string', short: 'p' },
  'password-stdin': { type: 'boolean' },
} as const;

interface Login {
  readonly username: string;
  readonly password: string;
}

/** `hidden`: what is typed is not shown. */
async function prompt(question: string, hidden: boolean): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new UsageError(
      'cannot log in interactively without a terminal: give -u USER and --password-stdin',
    );
  }
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const output = hidden ? silent : process.stderr;
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  try {
    return await lines.question('');
  } finally {
    lines.close();
    if (hidden) process.stderr.write('\n');
  }
}

interface Given {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly 'password-stdin'?: boolean | undefined;
}

async function asked(values: Given): Promise<Login> {
  const isPiped = values['password-stdin'] === true;
  if (isPiped && values.password !== undefined) {
    throw new UsageError('--password and --password-stdin are mutually exclusive');
  }
  if (isPiped && values.username === undefined) {
    throw new UsageError('--password-stdin needs --username');
  }
  if (values.password !== undefined) {
    process.stderr.write(
      'WARNING: others can see a password that is given with -p; use --password-stdin\n',
    );
  }
  const username = values.username ?? (await prompt('Username: ', false));
  const password = isPiped
    ? (await text(process.stdin)).replace(/\r?\n$/, '')
    : (values.password ?? (await prompt('Password: ', true)));
  if (username === '' || password === '') throw new UsageError('user name and password are needed');
  return { username, password };
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  if (positionals.length > 1) throw new UsageError('name one registry: bay login [REGISTRY]');
  const key = serverKey(positionals[0]);
  const login = await asked(values);
  const client = await openClient(values);
  try {
    const [node] = await nodeNames(client, values.node);
    if (node === undefined) throw new Error('the cluster has no node that could ask the registry');
    const path = imagesPath(node, `/login?${new URLSearchParams({ server: serverHost(key) })}`);
    const headers = loginHeader(login);
    const answer = await client.streamRequest('POST', path, undefined, { headers });
    answer.resume();
  } catch (error) {
    if (hasReason(error, 'Forbidden') || hasReason(error, 'BadGateway')) {
      throw new Error((error as Error).message, { cause: error });
    }
    throw error;
  } finally {
    client.close();
  }
  const helper = await keepLogin(key, login);
  if (helper === undefined) {
    process.stderr.write(`WARNING: the password is kept unencrypted in ${configPath()}\n`);
  }
  process.stdout.write('Login Succeeded\n');
  return 0;
}
