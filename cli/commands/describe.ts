/** `bay describe`. */
import type { RemoteClient } from '#api/client/client.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { hasReason } from '#api/resources/status.ts';
import { tellFailure, withClient } from '../documents/each.ts';
import { clientFlags, parseFlags, selectionFlags } from '../documents/flags.ts';
import { pathOfPlace } from '../documents/requests.ts';
import { type Asked, listPath, type Selection, select } from '../documents/select.ts';

const flags = {
  ...clientFlags,
  ...selectionFlags,
  'show-events': { type: 'boolean' },
  'chunk-size': { type: 'string' },
} as const;

const limit = 500;

/** All of a list, in parts. */
async function list(client: RemoteClient, asked: Asked, selection: Selection) {
  const found: KubeObject[] = [];
  let rest: string | undefined;
  do {
    const path = listPath(asked, selection, { limit, ...(rest ? { continue: rest } : {}) });
    const { items, metadata } = (await client.request('GET', path)) as {
      items: KubeObject[];
      metadata: { continue?: string };
    };
    found.push(...items);
    rest = metadata.continue;
  } while (rest !== undefined && rest !== '');
  const { group, version, kind } = asked.type;
  const apiVersion = group === '' ? version : `${group}/${version}`;
  return found.map((object) => ({ ...object, apiVersion, kind }));
}

/** Objects with the name, or else all whose names begin with it. */
async function named(client: RemoteClient, asked: Asked, name: string, selection: Selection) {
  try {
    return [(await client.request('GET', pathOfPlace({ ...asked, name }))) as KubeObject];
  } catch (error) {
    if (!hasReason(error, 'NotFound') || asked.manifest !== undefined) throw error;
    const all = await list(client, asked, selection);
    const alike = all.filter(({ metadata }) => metadata.name.startsWith(name));
    if (alike.length === 0) throw error;
    return alike;
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('describe', args, flags);
  const selection = { ...values, words };
  const { describe } = await import('../describe/describe.ts');
  return withClient(values, async (client) => {
    let count = 0;
    let failures = 0;
    for (const asked of await select(client, selection, 'describe')) {
      const { names } = asked;
      const work =
        names === undefined
          ? [() => list(client, asked, selection)]
          : names.map((name) => () => named(client, asked, name, selection));
      for (const find of work) {
        try {
          for (const object of await find()) {
            const text = await describe(
              { client, type: asked.type, object },
              values['show-events'] !== false,
            );
            process.stdout.write(`${count > 0 ? '\n\n' : ''}${text}`);
            count += 1;
          }
        } catch (error) {
          failures += 1;
          tellFailure(error);
        }
      }
    }
    if (count === 0 && failures === 0) {
      const where =
        values['all-namespaces'] === true ? '' : ` in ${values.namespace ?? 'default'} namespace`;
      process.stderr.write(`No resources found${where}.\n`);
    }
    return failures > 0 ? 1 : 0;
  });
}
