/** `bay create`: a container as `bay run` makes it, that is not started yet. */
import { parseLeading, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { containersOf } from '../container.ts';
import { createNamed } from '../container-name.ts';
import { idOf } from '../find-container.ts';
import { runOptions } from '../run/flags.ts';
import { withShared } from '../run/sharing.ts';
import { containerDocument } from '../run-options.ts';

const options = {
  ...runOptions,
  kubeconfig: { type: 'string' },
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

/** Prints the container's ID. */
export async function run(args: readonly string[]): Promise<number> {
  if (meansDocuments(args)) {
    return (await import('../documents/create.ts')).createDocuments('create', args);
  }
  const { values, positionals, rest } = parseLeading(args, options, 1);
  const [image] = positionals;
  if (image === undefined) throw new UsageError('name the image: bay create IMAGE [COMMAND]');
  if (values.detach === true)
    throw new UsageError("unknown option '-d': it is 'bay run' that starts");
  const document = containerDocument(values, image, rest, values.namespace ?? 'default');
  const client = await openClient({ name: values.cluster, kubeconfig: values.kubeconfig });
  try {
    const shared = await withShared(client, document, 'later');
    const wanted = { ...shared, spec: { ...shared.spec, state: 'Created' } };
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
