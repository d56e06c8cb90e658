/** `bay events`: what happened, oldest first. */
import { objectOr } from '#api/resources/json.ts';
import { events } from '#api/resources/resource-types.ts';
import { UsageError } from '../arguments.ts';
import { type EventObject, interval, lastSeen } from '../describe/events.ts';
import { discover, typeNamed } from '../discovery.ts';
import { withClient } from '../documents/each.ts';
import { clientFlags, parseFlags, type Values } from '../documents/flags.ts';
import { columnWidths, tabbed } from '../documents/tab-writer.ts';

const flags = {
  ...clientFlags,
  'all-namespaces': { type: 'boolean', short: 'A' },
  for: { type: 'string' },
  types: { type: 'string', multiple: true },
  watch: { type: 'boolean', short: 'w' },
  'no-headers': { type: 'boolean' },
  output: { type: 'string', short: 'o' },
  'chunk-size': { type: 'string' },
} as const;

type Flags = Values<typeof flags>;

/** Which events are meant. */
type Test = (event: EventObject) => boolean;

async function testOf(values: Flags, client: Parameters<typeof discover>[0]): Promise<Test> {
  const types = (values.types ?? []).flatMap((text) => text.toLowerCase().split(','));
  for (const type of types) {
    if (type !== 'normal' && type !== 'warning') {
      throw new UsageError(`valid --types are Normal or Warning, not '${type}'`);
    }
  }
  const isOfType: Test = ({ type = '' }) =>
    types.length === 0 || types.includes(type.toLowerCase());
  if (values.for === undefined) return isOfType;
  const [typeName = '', name = '', more] = values.for.split('/');
  if (name === '' || more !== undefined)
    throw new UsageError(`--for '${values.for}': say TYPE/NAME`);
  const { kind } = typeNamed(await discover(client), typeName);
  return (event) => {
    const of = objectOr(event['involvedObject']);
    return isOfType(event) && of['kind'] === kind && of['name'] === name;
  };
}

class Lines {
  readonly #withNamespace: boolean;
  #headings: boolean;
  #widths: readonly number[] = [];

  constructor(withNamespace: boolean, headings: boolean) {
    this.#withNamespace = withNamespace;
    this.#headings = headings;
  }

  text(all: readonly EventObject[]): string {
    const rows = all.map((event) => {
      const { kind, name } = objectOr(event['involvedObject']);
      const cells = [
        interval(event),
        event.type,
        event.reason,
        `${kind}/${name}`,
        event.message?.trim(),
      ];
      return this.#line(event.metadata.namespace, cells);
    });
    if (this.#headings) {
      rows.unshift(this.#line('NAMESPACE', ['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']));
    }
    this.#headings = false;
    const text = rows.map((row) => `${row}\n`).join('');
    const how = { min: 6, padding: 3, atLeast: this.#widths };
    this.#widths = columnWidths(text, how);
    return tabbed(text, how);
  }

  #line(namespace: string | undefined, cells: readonly (string | undefined)[]): string {
    return [...(this.#withNamespace ? [namespace] : []), ...cells]
      .map((cell) => cell ?? '')
      .join('\t');
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('events', args, flags);
  if (words.length > 0) throw new UsageError(`'${words[0]}': bay events --for TYPE/NAME`);
  const isEverywhere = values['all-namespaces'] === true;
  const { namespace = 'default', output } = values;
  const print =
    output === undefined
      ? undefined
      : await (await import('../documents/print.ts')).printerOf(output);
  return withClient(values, async (client) => {
    const isMeant = await testOf(values, client);
    const where = isEverywhere ? {} : { namespace };
    const { items, resourceVersion } = await client.collection<EventObject>(events).list(where);
    const found = items.filter(isMeant).sort((a, b) => (lastSeen(a) < lastSeen(b) ? -1 : 1));
    const lines = new Lines(isEverywhere, values['no-headers'] !== true);
    if (print !== undefined) {
      process.stdout.write(
        print({ apiVersion: 'v1', items: found, kind: 'List', metadata: { resourceVersion: '' } }),
      );
    } else if (found.length > 0) process.stdout.write(lines.text(found));
    else if (values.watch !== true) {
      process.stderr.write(`No events found${isEverywhere ? '' : ` in ${namespace} namespace`}.\n`);
    }
    if (values.watch !== true) return 0;
    const { follow } = await import('../documents/follow.ts');
    const ended = new AbortController();
    process.once('SIGINT', () => ended.abort());
    const path = isEverywhere ? '/api/v1/events' : `/api/v1/namespaces/${namespace}/events`;
    const following = {
      path,
      accept: 'application/json',
      from: resourceVersion,
      signal: ended.signal,
    };
    await follow(client, following, ({ type, object }) => {
      const event = object as unknown as EventObject;
      if (type !== 'DELETED' && isMeant(event))
        process.stdout.write(print?.(event) ?? lines.text([event]));
    });
    return 0;
  });
}
