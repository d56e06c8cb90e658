/** `bay create token SERVICE-ACCOUNT`: a token that shows who one is. */
import { objectOr, stringOr } from '#api/resources/json.ts';
import { serviceAccounts } from '#api/resources/resource-types.ts';
import { UsageError } from '../arguments.ts';
import { withClient } from '../documents/each.ts';
import { clientFlags, parseFlags } from '../documents/flags.ts';
import { printerOf } from '../documents/print.ts';
import { pathOfPlace } from '../documents/requests.ts';
import { timeLimitMs } from '../time-limit.ts';
import { oneName } from './kind.ts';

const flags = {
  ...clientFlags,
  audience: { type: 'string', multiple: true },
  duration: { type: 'string' },
  'bound-object-kind': { type: 'string' },
  'bound-object-name': { type: 'string' },
  'bound-object-uid': { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

type Given = ReturnType<typeof parseFlags<typeof flags>>['values'];

const boundKinds: readonly string[] = ['Node', 'Pod', 'Secret'];

/** With the object the token ends, too. @throws UsageError in kubectl's words */
function boundObject(values: Given): object {
  const { 'bound-object-kind': kind = '', 'bound-object-name': name = '' } = values;
  const { 'bound-object-uid': uid = '' } = values;
  if (kind === '') {
    if (name !== '')
      throw new UsageError(
        '--bound-object-name can only be set if --bound-object-kind is provided',
      );
    if (uid !== '')
      throw new UsageError('--bound-object-uid can only be set if --bound-object-kind is provided');
    return {};
  }
  if (!boundKinds.includes(kind)) {
    throw new UsageError(`supported --bound-object-kind values are ${boundKinds.join(', ')}`);
  }
  if (name === '') {
    throw new UsageError('--bound-object-name is required if --bound-object-kind is provided');
  }
  const which = { kind, apiVersion: 'v1', name, ...(uid === '' ? {} : { uid }) };
  return { boundObjectRef: which };
}

/** The `TokenRequest` that the flags describe. */
export function tokenRequest(values: Given): object {
  const seconds = Math.ceil(timeLimitMs(values.duration ?? '0', '--duration') / 1000);
  const spec = {
    audiences: values.audience ?? null,
    expirationSeconds: seconds > 0 ? seconds : null,
    ...boundObject(values),
  };
  return { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec };
}

/** Prints the token alone, or the whole answer as `-o` says. Resolves with the exit code. */
export async function createToken(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('create', args, flags);
  const name = oneName(words, 'create');
  const request = tokenRequest(values);
  const print = values.output === undefined ? undefined : await printerOf(values.output);
  return withClient(values, async (client) => {
    const { namespace = 'default' } = values;
    const path = pathOfPlace({ type: serviceAccounts, name, namespace }, 'token');
    const answer = (await client.request('POST', path, request)) as Record<string, unknown>;
    const token = stringOr(objectOr(answer['status'])['token']);
    if (token === '')
      throw new Error(`POST ${path}: failed to create token: no token in the answer`);
    process.stdout.write(print === undefined ? `${token}\n` : print(answer));
    return 0;
  });
}
