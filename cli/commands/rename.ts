/** `bay rename`: another name for a container; its ID, its files and what runs stay. */
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { containersOf } from '../container.ts';
import { checkName, namedAs, refuseTaken } from '../container-name.ts';
import { findContainer, nameOf } from '../find-container.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, clientOptions);
  const [text, name] = positionals;
  if (text === undefined || name === undefined || positionals.length > 2) {
    throw new UsageError('say which container gets which name: bay rename NAME NEW-NAME');
  }
  checkName(name);
  const client = await openClient(values);
  try {
    const { namespace = 'default' } = values;
    const found = await findContainer(client, text, namespace);
    if (nameOf(found) === name) {
      throw new Error('Renaming a container with the same name as its current name');
    }
    await refuseTaken(client, name, namespace);
    const document = found.metadata.name;
    const labels = namedAs(name, document);
    await containersOf(client).patch(
      { name: document, namespace },
      { metadata: { labels } },
      'merge',
    );
    return 0;
  } finally {
    client.close();
  }
}
