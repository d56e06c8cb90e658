/** `bay autoscale`: an autoscaler for a workload. */
import { apiVersionOf, type KubeObject } from '#api/resources/meta.ts';
import { horizontalPodAutoscalers } from '#api/resources/resource-types.ts';
import { UsageError } from '../arguments.ts';
import { needFlags } from '../create/kind.ts';
import { changeEach, changeFlags, createBeside } from '../documents/change.ts';
import { integerOf, parseFlags } from '../documents/flags.ts';
import { pathOfPlace } from '../documents/requests.ts';
import type { Found } from '../documents/select.ts';

/** `--name` is the autoscaler's: the cluster's is said by BAY_NAME. */
const flags = {
  ...changeFlags,
  min: { type: 'string' },
  max: { type: 'string' },
  'cpu-percent': { type: 'string' },
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

const autoscalerOf = (found: Found, name: string, bounds: object): KubeObject =>
  ({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name },
    spec: {
      scaleTargetRef: {
        kind: found.type.kind,
        name: found.name,
        apiVersion: apiVersionOf(found.type),
      },
      ...bounds,
    },
  }) as KubeObject;

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('autoscale', args, flags);
  const { name: given, ...own } = values;
  const bounds = boundsOf(values);
  const isPlaced = values.namespace !== undefined;
  return changeEach('autoscale', own, words, async (client, found, change) => {
    // What cannot be scaled has no such subresource.
    await client.request('GET', pathOfPlace(found, 'scale'));
    const draft = autoscalerOf(found, given ?? found.name, bounds);
    const how = { found, isPlaced, what: 'autoscaled' };
    await createBeside(client, horizontalPodAutoscalers, draft, how, change);
  });
}
