/** `bay autoscale`: an autoscaler for a workload. */
import { apiVersionOf } from '#api/resources/meta.ts';
import { horizontalPodAutoscalers } from '#api/resources/resource-types.ts';
import { UsageError } from '../arguments.ts';
import { needFlags } from '../create/kind.ts';
import { forEachFound, outcome } from '../documents/each.ts';
import {
  clientFlags,
  dryRunOf,
  integerOf,
  parseFlags,
  selectionFlags,
  writeFlags,
} from '../documents/flags.ts';
import { printerOf } from '../documents/print.ts';
import { createIn, pathOfPlace } from '../documents/requests.ts';
import type { Found } from '../documents/select.ts';
import { objectLabel } from '../object-name.ts';

/** `--name` is the autoscaler's: the cluster's is said by BAY_NAME. */
const flags = {
  ...clientFlags,
  ...selectionFlags,
  ...writeFlags,
  min: { type: 'string' },
  max: { type: 'string' },
  'cpu-percent': { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

type Values = ReturnType<typeof parseFlags<typeof flags>>['values'];

/** What all autoscalers of the command line have in common. @throws UsageError in kubectl's words */
function boundsOf(values: Values) {
  needFlags(values, ['max']);
  const max = integerOf(values.max ?? '', '--max');
  const min = integerOf(values.min ?? '-1', '--min');
  const percent = integerOf(values['cpu-percent'] ?? '-1', '--cpu-percent');
  if (max < 1) {
    throw new UsageError(`--max=MAXPODS is required and must be at least 1, max: ${max}`);
  }
  if (max < min) {
    throw new UsageError(
      `--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${max}, min: ${min}`,
    );
  }
  const target = { type: 'Utilization', averageUtilization: percent };
  const metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
  return {
    ...(min > 0 ? { minReplicas: min } : {}),
    maxReplicas: max,
    ...(percent >= 0 ? { metrics } : {}),
  };
}

const autoscalerOf = (found: Found, name: string, bounds: object, isPlaced: boolean) => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name, ...(isPlaced ? { namespace: found.namespace } : {}) },
  spec: {
    scaleTargetRef: {
      kind: found.type.kind,
      name: found.name,
      apiVersion: apiVersionOf(found.type),
    },
    ...bounds,
  },
});

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('autoscale', args, flags);
  const { name: given, ...connection } = values;
  const bounds = boundsOf(values);
  const dryRun = dryRunOf(values['dry-run']);
  const print = values.output === undefined ? undefined : await printerOf(values.output);
  return forEachFound({ ...connection, words }, 'autoscale', async (client, found) => {
    // What cannot be scaled has no such subresource.
    await client.request('GET', pathOfPlace(found, 'scale'));
    const { namespace } = found;
    const isPlaced = dryRun !== 'client' || values.namespace !== undefined;
    const object = autoscalerOf(found, given ?? found.name, bounds, isPlaced);
    const options = { isDry: dryRun === 'server', fieldManager: values['field-manager'] };
    const type = horizontalPodAutoscalers;
    const made =
      dryRun === 'client' ? object : await createIn(client, { type, namespace }, object, options);
    const label = objectLabel(type, made.metadata.name);
    process.stdout.write(print === undefined ? outcome(label, 'autoscaled', dryRun) : print(made));
  });
}
