/** `bay explain`: what a type and its fields are, as the server's own schema says. */
import { UsageError } from '../arguments.ts';
import { discover, typeNamed } from '../discovery.ts';
import { withClient } from '../documents/each.ts';
import { clientFlags, parseFlags } from '../documents/flags.ts';
import { explained } from '../explain/page.ts';
import { Schemas } from '../explain/schemas.ts';

const flags = {
  ...clientFlags,
  recursive: { type: 'boolean' },
  'api-version': { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('explain', args, flags);
  const [word, ...more] = words;
  if (word === undefined || more.length > 0) {
    throw new UsageError('say what to explain: bay explain pod.spec.containers');
  }
  const [name = '', ...fields] = word.split('.').filter(Boolean);
  return withClient(values, async (client) => {
    const all = await discover(client);
    const wanted = values['api-version'];
    const version = (type: { group: string; version: string }) =>
      type.group === '' ? type.version : `${type.group}/${type.version}`;
    const types = wanted === undefined ? all : all.filter((type) => version(type) === wanted);
    // `deployments.apps.spec`: the group may stand after the type.
    const isGroup =
      fields[0] !== undefined && types.some(({ group }) => group.split('.')[0] === fields[0]);
    const { type, rest } = typeAndFields(types, name, fields, isGroup);
    const schemas = await Schemas.read(client, type);
    process.stdout.write(explained(schemas, type, rest, values.recursive === true));
    return 0;
  });
}

function typeAndFields(
  types: Parameters<typeof typeNamed>[0],
  name: string,
  fields: readonly string[],
  mayBeGroup: boolean,
) {
  for (let length = mayBeGroup ? fields.length : 0; length > 0; length -= 1) {
    const group = fields.slice(0, length).join('.');
    if (types.some((type) => type.group === group)) {
      const type = typeNamed(types, `${name}.${group}`);
      return { type, rest: fields.slice(length) };
    }
  }
  return { type: typeNamed(types, name), rest: fields };
}
