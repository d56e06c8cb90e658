/** `bay auth`: who one is, and what one may. */
import type { RemoteClient } from '#api/client/client.ts';
import { objectOr, objectsOf } from '#api/resources/json.ts';
import { UsageError } from '../arguments.ts';
import { discover, typeNamed } from '../discovery.ts';
import { withClient } from '../documents/each.ts';
import { clientFlags, parseFlags, type Values } from '../documents/flags.ts';
import { tabbed } from '../documents/tab-writer.ts';

const flags = {
  ...clientFlags,
  'all-namespaces': { type: 'boolean', short: 'A' },
  subresource: { type: 'string' },
  quiet: { type: 'boolean', short: 'q' },
  list: { type: 'boolean' },
  output: { type: 'string', short: 'o' },
  'no-headers': { type: 'boolean' },
} as const;

type Flags = Values<typeof flags>;

const group = 'authorization.k8s.io/v1';
const path = (plural: string) => `/apis/${group}/${plural}`;

async function whoAmI(client: RemoteClient, { output }: Flags): Promise<number> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const answer = (await client.request(
    'POST',
    '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    review,
  )) as Record<string, unknown>;
  if (output !== undefined) {
    const { printerOf } = await import('../documents/print.ts');
    process.stdout.write((await printerOf(output))(answer));
    return 0;
  }
  const { username, uid, groups, extra } = objectOr(objectOr(answer['status'])['userInfo']);
  const rows = ['ATTRIBUTE\tVALUE', `Username\t${username}`];
  if (uid) rows.push(`UID\t${uid}`);
  if (Array.isArray(groups)) rows.push(`Groups\t[${groups.join(' ')}]`);
  for (const [key, list] of Object.entries(objectOr(extra)).sort()) {
    rows.push(`Extra: ${key}\t[${(list as string[]).join(' ')}]`);
  }
  process.stdout.write(tabbed(rows.map((row) => `${row}\n`).join(''), { min: 6, padding: 3 }));
  return 0;
}

/** What is asked for: a verb on a type, or on a path. */
async function attributes(client: RemoteClient, words: readonly string[], values: Flags) {
  const [verb = '', what = '', given] = words;
  if (what.startsWith('/')) return { nonResourceAttributes: { verb, path: what } };
  const [typeText = '', inline] = what.split('/');
  const name = inline ?? given;
  const namespace = values['all-namespaces'] === true ? '' : (values.namespace ?? 'default');
  const { subresource } = values;
  const more = {
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
  if (typeText === '*') {
    return { resourceAttributes: { verb, namespace, group: '*', resource: '*', ...more } };
  }
  try {
    const type = typeNamed(await discover(client), typeText);
    if (!type.namespaced && values.namespace === undefined) {
      process.stderr.write(
        `Warning: resource '${type.plural}' is not namespace scoped${type.group === '' ? '' : ` in group '${type.group}'`}\n\n`,
      );
    }
    const { group: ofGroup, plural: resource } = type;
    return { resourceAttributes: { verb, namespace, group: ofGroup, resource, ...more } };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`Warning: the server doesn't have a resource type '${typeText}'\n\n`);
    return { resourceAttributes: { verb, namespace, group: '', resource: typeText, ...more } };
  }
}

async function canI(
  client: RemoteClient,
  words: readonly string[],
  values: Flags,
): Promise<number> {
  if (words.length < 2 || words.length > 3) {
    throw new UsageError(
      'you must specify two arguments: bay auth can-i VERB TYPE[/NAME], or --list',
    );
  }
  const asked = await attributes(client, words, values);
  const review = { apiVersion: group, kind: 'SelfSubjectAccessReview', spec: asked };
  const { status } = (await client.request('POST', path('selfsubjectaccessreviews'), review)) as {
    status: { allowed: boolean; reason?: string; evaluationError?: string };
  };
  if (values.quiet !== true) {
    const { allowed, reason = '', evaluationError = '' } = status;
    const why = allowed
      ? ''
      : `${reason === '' ? '' : ` - ${reason}`}${evaluationError === '' ? '' : ` - ${evaluationError}`}`;
    process.stdout.write(`${allowed ? 'yes' : 'no'}${why}\n`);
  }
  return status.allowed ? 0 : 1;
}

const listed = (value: unknown): string => `[${((value as string[] | undefined) ?? []).join(' ')}]`;

async function list(client: RemoteClient, values: Flags): Promise<number> {
  const spec = { namespace: values.namespace ?? 'default' };
  const review = { apiVersion: group, kind: 'SelfSubjectRulesReview', spec };
  const { status } = (await client.request('POST', path('selfsubjectrulesreviews'), review)) as {
    status: unknown;
  };
  const { resourceRules, nonResourceRules } = objectOr(status);
  const rows = objectsOf(resourceRules).flatMap((rule) =>
    ((rule['resources'] as string[] | undefined) ?? []).flatMap((resource) =>
      ((rule['apiGroups'] as string[] | undefined) ?? ['']).map((one) => {
        const name = one === '' ? resource : `${resource}.${one}`;
        return `${name}\t[]\t${listed(rule['resourceNames'])}\t${listed(rule['verbs'])}`;
      }),
    ),
  );
  const paths = objectsOf(nonResourceRules).flatMap((rule) =>
    ((rule['nonResourceURLs'] as string[] | undefined) ?? []).map(
      (url) => `\t[${url}]\t[]\t${listed(rule['verbs'])}`,
    ),
  );
  const heading = 'Resources\tNon-Resource URLs\tResource Names\tVerbs';
  const all = [
    ...(values['no-headers'] === true ? [] : [heading]),
    ...rows.sort(),
    ...paths.sort(),
  ];
  process.stdout.write(tabbed(all.map((row) => `${row}\n`).join(''), { min: 6, padding: 3 }));
  return 0;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('auth', args, flags);
  const [action = '', ...rest] = words;
  return withClient(values, async (client) => {
    if (action === 'whoami') return whoAmI(client, values);
    if (action === 'can-i')
      return values.list === true ? list(client, values) : canI(client, rest, values);
    throw new UsageError(
      `'${action}': bay auth can-i VERB TYPE, bay auth can-i --list or bay auth whoami`,
    );
  });
}
