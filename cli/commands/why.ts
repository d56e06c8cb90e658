/** `bay why`: the chain of causes in one sentence, and what helps. */
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { discover, typeNamed } from '../discovery.ts';
import { findContainer } from '../find-container.ts';
import { objectLabel } from '../object-name.ts';
import type { Full } from '../why/cause.ts';
import { chainOf, sentence } from '../why/chain.ts';

/** Exit code 0 when nothing is wrong with it, 1 when something is. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, clientOptions);
  const [word, second] = positionals;
  if (word === undefined || positionals.length > 2) {
    throw new UsageError('name what you wonder about: bay why CONTAINER, or bay why TYPE/NAME');
  }
  const [first = '', other] = word.includes('/') ? word.split('/') : [word, second];
  const client = await openClient(values);
  try {
    const types = await discover(client);
    const namespace = values.namespace ?? 'default';
    const type = typeNamed(types, other === undefined ? 'containers.bayplan.dev' : first);
    const name = other ?? (await findContainer(client, first, namespace)).metadata.name;
    const ref = type.namespaced ? { namespace, name } : { name };
    const object = await client.collection<Full>(type).get(ref);
    const { links, warning } = await chainOf(client, type, { ...object, kind: type.kind });
    if (links.length === 0) {
      process.stdout.write(`${objectLabel(type, name)} is as it should be\n`);
      return 0;
    }
    process.stdout.write(`${sentence(links)}\n`);
    const fix = links.findLast(({ cause }) => cause.fix !== undefined)?.cause.fix;
    if (warning !== undefined && !sentence(links).includes(warning)) {
      process.stdout.write(`Last warning: ${warning}\n`);
    }
    if (fix !== undefined) process.stdout.write(`What helps: ${fix}\n`);
    return 1;
  } finally {
    client.close();
  }
}
