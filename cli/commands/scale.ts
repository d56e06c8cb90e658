/** `bay scale`: how many replicas a workload shall have. */
import { numberOr, objectOr } from '#api/resources/json.ts';
import { UsageError } from '../arguments.ts';
import { changeEach, changeFlags } from '../documents/change.ts';
import { integerOf, parseFlags } from '../documents/flags.ts';
import { patchPlace, pathOfPlace } from '../documents/requests.ts';
import { objectLabel } from '../object-name.ts';

const flags = {
  ...changeFlags,
  replicas: { type: 'string' },
  'current-replicas': { type: 'string' },
  'resource-version': { type: 'string' },
} as const;

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('scale', args, flags);
  const replicas = integerOf(values.replicas ?? '', '--replicas');
  if (replicas < 0) throw new UsageError('the --replicas=COUNT flag must be 0 or more');
  const current = values['current-replicas'];
  const expected = current === undefined ? undefined : integerOf(current, '--current-replicas');
  const version = values['resource-version'];
  return changeEach('scale', values, words, async (client, found, { dryRun, options, tell }) => {
    const label = objectLabel(found.type, found.name);
    const scale = (await client.request('GET', pathOfPlace(found, 'scale'))) as object;
    const held = numberOr(objectOr((scale as { spec?: unknown }).spec)['replicas']);
    if (expected !== undefined && expected >= 0 && held !== expected) {
      throw new Error(`${label}: Expected replicas to be ${expected}, was ${held}`);
    }
    const metadata = version === undefined ? {} : { metadata: { resourceVersion: version } };
    if (dryRun !== 'client') {
      const patch = { ...metadata, spec: { replicas } };
      await patchPlace(client, found, patch, 'merge', { ...options, subresource: 'scale' });
    }
    tell(found.type, 'scaled', found.object);
  });
}
