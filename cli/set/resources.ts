/** `bay set resources`: what containers of workloads ask for and may use at most. */

import { equalJson, type JsonObject, objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { InvalidQuantity, parseQuantity } from '#api/resources/quantity.ts';
import { UsageError } from '../arguments.ts';
import { listOf } from '../create/kind.ts';
import { parseFlags } from '../documents/flags.ts';
import { setEach, settingFlags } from './change-spec.ts';
import { chosenContainers, podSpecOf, specPatch } from './pod-spec.ts';

const text = { type: 'string' } as const;
const flags = {
  ...settingFlags,
  containers: { type: 'string', short: 'c' },
  limits: text,
  requests: text,
} as const;

type Amounts = Readonly<Record<string, string>>;

/** `cpu=200m,memory=512Mi`. */
function amountsOf(flag: string, text: string): Amounts {
  const pairs = listOf(text === '' ? [] : [text]).map((pair) => {
    const [name = '', amount = '', more] = pair.split('=');
    if (name === '' || amount === '' || more !== undefined) {
      throw new UsageError(`--${flag} '${pair}': write NAME=AMOUNT, as cpu=200m,memory=512Mi`);
    }
    try {
      parseQuantity(amount);
    } catch (error) {
      if (!(error instanceof InvalidQuantity)) throw error;
      throw new UsageError(`--${flag} '${pair}': '${amount}' is no amount, as 200m or 512Mi are`);
    }
    return [name, amount];
  });
  return Object.fromEntries(pairs);
}

interface Wanted {
  readonly pattern: string;
  readonly limits: Amounts;
  readonly requests: Amounts;
}

/** The strategic patch; undefined if all is so already. @throws Error when no container is meant */
function patchOf(object: KubeObject, { pattern, limits, requests }: Wanted): object | undefined {
  const pod = podSpecOf(object);
  const chosen = chosenContainers(pod, pattern);
  if (chosen.length === 0) throw new Error(`unable to find container named ${pattern}`);
  const isSo = (present: JsonObject, part: string, wanted: Amounts) => {
    const before = objectOr(present[part]);
    return equalJson(before, { ...before, ...wanted });
  };
  const changed = chosen.filter(({ container }) => {
    const present = objectOr(container['resources']);
    return !isSo(present, 'limits', limits) || !isSo(present, 'requests', requests);
  });
  if (changed.length === 0) return undefined;
  const patch = Object.groupBy(changed, ({ list }) => list);
  const resources = {
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
    ...(Object.keys(requests).length > 0 ? { requests } : {}),
  };
  return specPatch(
    pod,
    Object.fromEntries(
      Object.entries(patch).map(([list, ones]) => [
        list,
        ones.map(({ name }) => ({ name, resources })),
      ]),
    ),
  );
}

export async function setResources(args: readonly string[]): Promise<number> {
  const { values: all, words } = parseFlags('set', args, flags);
  const { containers: pattern = '*', limits = '', requests = '', ...values } = all;
  const wanted = {
    pattern,
    limits: amountsOf('limits', limits),
    requests: amountsOf('requests', requests),
  };
  if (Object.keys(wanted.limits).length + Object.keys(wanted.requests).length === 0) {
    throw new UsageError(
      'you must specify an update to requests or limits (in the form of --requests/--limits)',
    );
  }
  const how = { command: 'set resources', what: 'resource requirements updated' } as const;
  return setEach({ ...how, form: 'strategic', values, words }, ({ object }) =>
    patchOf(object, wanted),
  );
}
