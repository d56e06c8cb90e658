/** `bay volume`: volumes with a name, in docker's words. */
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import type { RemoteClient } from '#api/client/client.ts';
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { errorText } from '../errors.ts';
import { filtersOf, some, truth } from '../filters.ts';
import { template } from '../format.ts';
import { humanSize, imageOptions, nodeNames } from '../images.ts';
import { type Columns, renderRows } from '../listing.ts';
import { createVolume, removeVolume, told, volumesOf } from '../volumes.ts';

const options = {
  ...imageOptions,
  all: { type: 'boolean', short: 'a' },
  driver: { type: 'string', short: 'd' },
  filter: { type: 'string', multiple: true },
  force: { type: 'boolean' },
  format: { type: 'string' },
  quiet: { type: 'boolean', short: 'q' },
} as const;

/** What a command works with. */
interface Work {
  readonly client: RemoteClient;
  readonly nodes: readonly string[];
  readonly namespace: string;
  readonly names: readonly string[];
  readonly values: ReturnType<typeof parsed>['values'];
}

const verbs: Readonly<Record<string, (work: Work) => Promise<number>>> = {
  create,
  inspect,
  ls: list,
  list,
  prune,
  rm: remove,
  remove,
};

/** `-f` is `--filter` of `ls` and `--format` of `inspect`, and `--force` of the others. */
function parsed(verb: string, args: readonly string[]) {
  const short = { ls: '--filter', list: '--filter', inspect: '--format' }[verb] ?? '--force';
  return parse(
    args.map((arg) => (arg === '-f' ? short : arg)),
    options,
  );
}

export async function run(args: readonly string[]): Promise<number> {
  const [verb = '', ...rest] = args;
  const act = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (act === undefined) throw new UsageError('use bay volume with create, inspect, ls, prune, rm');
  const { values, positionals: names } = parsed(verb, rest);
  const client = await openClient(values);
  try {
    const nodes = await nodeNames(client, values.node);
    const { namespace = 'default' } = values;
    return await act({ client, nodes, namespace, names, values });
  } finally {
    client.close();
  }
}

async function create({ client, nodes, namespace, names, values }: Work): Promise<number> {
  if (names.length > 1) throw new UsageError('name one volume: bay volume create [NAME]');
  const { driver = 'local' } = values;
  if (driver !== 'local')
    throw new UsageError(`--driver '${driver}': there is no other than local`);
  // Docker's volumes without a name have 64 digits, too.
  const [name = randomBytes(32).toString('hex')] = names;
  const [node] = nodes;
  if (node === undefined) throw new Error('the cluster has no node that could have a volume');
  await createVolume(client, node, { namespace, name });
  process.stdout.write(`${name}\n`);
  return 0;
}

const isUnnamed = (name: string): boolean => /^[a-f0-9]{64}$/.test(name);

async function list({ client, nodes, namespace, values }: Work): Promise<number> {
  const filters = filtersOf(values.filter ?? [], ['name', 'dangling', 'driver']);
  const found = (await volumesOf(client, nodes, namespace)).filter(
    ({ name, users }) =>
      some(filters, 'name', (part) => name.includes(part)) &&
      some(filters, 'driver', (driver) => driver === 'local') &&
      some(filters, 'dangling', (text) => truth('dangling', text) === (users.length === 0)),
  );
  if (values.quiet === true) {
    process.stdout.write(found.map(({ name }) => `${name}\n`).join(''));
    return 0;
  }
  const where: Columns = nodes.length > 1 ? [['NODE', 'Node']] : [];
  const columns: Columns = [['DRIVER', 'Driver'], ['VOLUME NAME', 'Name'], ...where];
  const rows = found.map((volume) => ({
    Driver: 'local',
    Name: volume.name,
    Mountpoint: volume.path,
    Scope: 'local',
    Labels: '',
    Node: volume.node,
  }));
  const text = renderRows(rows, columns, values.format);
  if (text !== '') process.stdout.write(`${text}\n`);
  return 0;
}

async function inspect({ client, nodes, namespace, names, values }: Work): Promise<number> {
  if (names.length === 0) throw new UsageError('name the volumes: bay volume inspect NAME…');
  const all = await volumesOf(client, nodes, namespace);
  const found = names.flatMap((wanted) => all.filter(({ name }) => name === wanted)).map(told);
  const text =
    values.format === undefined
      ? JSON.stringify(found, undefined, 4)
      : found.map(template(values.format)).join('\n');
  process.stdout.write(`${text}\n`);
  const missing = names.filter((wanted) => !all.some(({ name }) => name === wanted));
  for (const name of missing) process.stderr.write(`bay: get ${name}: no such volume\n`);
  return missing.length === 0 ? 0 : 1;
}

async function remove({ client, nodes, namespace, names, values }: Work): Promise<number> {
  if (names.length === 0) throw new UsageError('name the volumes: bay volume rm NAME…');
  let code = 0;
  for (const name of names) {
    try {
      let isGone = false;
      for (const node of nodes) {
        const bytes = await removeVolume(client, node, { namespace, name });
        isGone ||= bytes !== undefined;
      }
      if (!isGone && values.force !== true) throw new Error(`get ${name}: no such volume`);
      process.stdout.write(`${name}\n`);
    } catch (error) {
      process.stderr.write(`bay: ${errorText(error)}\n`);
      code = 1;
    }
  }
  return code;
}

/** Without `-a` only those that were made without a name, as docker has it. */
async function prune({ client, nodes, namespace, names, values }: Work): Promise<number> {
  if (names.length > 0) throw new UsageError('bay volume prune takes no names');
  const all = values.all === true;
  if (values.force !== true && !(await confirmed(all))) return 0;
  let reclaimed = 0;
  const gone: string[] = [];
  for (const volume of await volumesOf(client, nodes, namespace)) {
    const { name, node, users } = volume;
    if (users.length > 0 || !(all || isUnnamed(name))) continue;
    reclaimed += (await removeVolume(client, node, { namespace, name })) ?? 0;
    gone.push(`${name}\n`);
  }
  if (gone.length > 0) process.stdout.write(`Deleted Volumes:\n${gone.join('')}\n`);
  process.stdout.write(`Total reclaimed space: ${humanSize(reclaimed)}\n`);
  return 0;
}

async function confirmed(all: boolean): Promise<boolean> {
  const which = all ? 'all local volumes' : 'anonymous local volumes';
  process.stdout.write(`WARNING! This will remove ${which} not used by at least one container.\n`);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question('Are you sure you want to continue? [y/N] ');
  terminal.close();
  return /^y/i.test(answer.trim());
}
