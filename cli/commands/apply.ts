/** `bay apply -f`. */
import { applyManifests } from '../apply.ts';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { readManifests } from '../manifests.ts';

const options = {
  ...clientOptions,
  filename: { type: 'string', short: 'f', multiple: true },
} as const;

/** Exit code 1 if a document could not be applied; the others are. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const paths = [...(values.filename ?? []), ...positionals];
  if (paths.length === 0)
    throw new UsageError('name the documents with -f FILE, -f DIRECTORY or -f -');
  const manifests = readManifests(paths);
  if (manifests.length === 0) throw new UsageError(`no documents in ${paths.join(', ')}`);
  const client = await openClient(values);
  let failed = 0;
  try {
    await applyManifests(client, manifests, values.namespace ?? 'default', {
      onApplied: ({ type, object, outcome }) => {
        const group = type.group === '' ? '' : `.${type.group}`;
        process.stdout.write(`${type.singular}${group}/${object.metadata.name} ${outcome}\n`);
      },
      onProblem: ({ place, object }, error) => {
        failed += 1;
        const what = `${object.kind} ${object.metadata.name}`;
        process.stderr.write(`bay: ${place}: apply ${what}: ${error.message}\n`);
      },
    });
  } finally {
    client.close();
  }
  return failed === 0 ? 0 : 1;
}
