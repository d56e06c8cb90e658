/** `bay create`: a container as `bay run` makes it, that is not started yet; or documents, as kubectl makes them. */
import { firstWordAt, parseLeading, serverOptions, UsageError } from '../arguments.ts';
import { openClientOfRun } from '../connection.ts';
import { type Container, containersOf } from '../container.ts';
import { createNamed } from '../container-name.ts';
import { isKindWord } from '../create/kinds.ts';
import { clientFlags } from '../documents/flags.ts';
import { idOf } from '../find-container.ts';
import { type RunFlags, runOptions } from '../run/flags.ts';
import { allPublished, type InspectedImage, presentImage } from '../run/image.ts';
import { withShared } from '../run/sharing.ts';
import { containerDocument } from '../run-options.ts';

const options = {
  ...runOptions,
  ...serverOptions,
  namespace: { type: 'string', short: 'n' },
} as const;

/** Before any image: documents are meant, as with kubectl; docker has no such flag. */
function meansDocuments(args: readonly string[]): boolean {
  const at = args.findIndex((arg) => /^(-f|-k|--filename(=|$)|--kustomize(=|$))/.test(arg));
  if (at < 0) return false;
  try {
    return parseLeading(args.slice(0, at), options, 1).positionals.length === 0;
  } catch {
    return true;
  }
}

/** Flags that may stand before the kind. */
const beforeKind = {
  ...options,
  ...clientFlags,
  'dry-run': { type: 'boolean' },
  filename: { type: 'string', short: 'f' },
  kustomize: { type: 'string', short: 'k' },
  output: { type: 'string', short: 'o' },
} as const;

/** The first word is a kind: an image of that name is meant by `NAME:latest`. */
async function createdDocument(args: readonly string[]): Promise<number | undefined> {
  const at = firstWordAt(args, beforeKind);
  const word = args[at] ?? '';
  if (!isKindWord(word)) return undefined;
  const others = args.filter((_, index) => index !== at);
  if (word === 'token') return (await import('../create/token.ts')).createToken(others);
  return (await import('../create/run.ts')).createKind(word, others);
}

/** Its image is there from now on: it is not pulled again when the container is started. */
function atRest(
  container: Container,
  flags: RunFlags,
  image: InspectedImage | undefined,
): Container {
  const spec = { ...container.spec, imagePullPolicy: 'IfNotPresent', state: 'Created' };
  const made = { ...container, spec };
  return flags['publish-all'] === true ? allPublished(made, image) : made;
}

/** Prints the container's ID. */
export async function run(args: readonly string[]): Promise<number> {
  const code = await createdDocument(args);
  if (code !== undefined) return code;
  if (meansDocuments(args)) {
    return (await import('../documents/create.ts')).createDocuments('create', args);
  }
  const { values, positionals, rest } = parseLeading(args, options, 1);
  const [image] = positionals;
  if (image === undefined) throw new UsageError('name the image: bay create IMAGE [COMMAND]');
  if (values.detach === true)
    throw new UsageError("unknown option '-d': it is 'bay run' that starts");
  const document = containerDocument(values, image, rest, values.namespace ?? 'default');
  const client = await openClientOfRun(values);
  try {
    const shared = await withShared(client, document, 'later');
    const wanted = atRest(shared, values, await presentImage(client, image, values));
    const made =
      values.name === undefined
        ? await containersOf(client).create(wanted)
        : await createNamed(client, wanted);
    process.stdout.write(`${idOf(made)}\n`);
    return 0;
  } finally {
    client.close();
  }
}
