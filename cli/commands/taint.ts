/** `bay taint`: keeps pods away from nodes unless they tolerate it. */
import { type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { nodes } from '#api/resources/resource-types.ts';
import { UsageError } from '../arguments.ts';
import { outcome, tellFailure, withClient } from '../documents/each.ts';
import { clientFlags, dryRunOf, parseFlags, writeFlags } from '../documents/flags.ts';
import { printerOf } from '../documents/print.ts';
import { patchPlace } from '../documents/requests.ts';
import { nodesMeant } from '../nodes/cordon.ts';

const flags = {
  ...clientFlags,
  ...writeFlags,
  selector: { type: 'string', short: 'l' },
  all: { type: 'boolean' },
  overwrite: { type: 'boolean' },
  output: { type: 'string', short: 'o' },
} as const;

interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect?: string;
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

interface Changes {
  readonly set: readonly Taint[];
  readonly remove: readonly Taint[];
}

/** `KEY=VALUE:EFFECT`, `KEY:EFFECT`; `KEY-` and `KEY:EFFECT-` remove. */
function changesOf(words: readonly string[]): Changes {
  const set: Taint[] = [];
  const remove: Taint[] = [];
  for (const word of words) {
    const match = /^([^=:]+?)(?:=([^:]*))?(?::(\w+))?(-?)$/.exec(word);
    const [, key = '', value, effect, minus] = match ?? [];
    if (match === null || (minus === '' && effect === undefined)) {
      throw new UsageError(
        `invalid taint spec: ${word}; write KEY=VALUE:EFFECT, or KEY- to remove it`,
      );
    }
    if (effect !== undefined && !effects.includes(effect)) {
      throw new UsageError(`invalid taint effect: ${effect}; it is one of ${effects.join(', ')}`);
    }
    const taint = { key, ...(value ? { value } : {}), ...(effect === undefined ? {} : { effect }) };
    (minus === '-' ? remove : set).push(taint);
  }
  checkChanges({ set, remove });
  return { set, remove };
}

/** @throws UsageError when one taint is to be two things at once */
function checkChanges({ set, remove }: Changes): void {
  const text = ({ key, effect }: Taint) => `${key}:${effect}`;
  const twice = set.find((taint, i) => set.slice(0, i).some((one) => text(one) === text(taint)));
  if (twice !== undefined) {
    throw new UsageError(`duplicated taints with the same key and effect: ${text(twice)}`);
  }
  const both = set.filter((taint) => remove.some((one) => isSame(one, { ...taint })));
  if (both.length > 0) {
    throw new UsageError(
      `can not both modify and remove the following taint(s) in the same command: ${both.map(text).join(', ')}`,
    );
  }
}

const isSame = (a: Taint, b: JsonObject): boolean =>
  a.key === b['key'] && (a.effect === undefined || a.effect === b['effect']);

/** The node's taints afterwards, and what is said of it. */
function changed(node: KubeObject, { set, remove }: Changes, overwrite: boolean) {
  const held = objectsOf(objectOr(node['spec'])['taints']);
  const { name } = node.metadata;
  const lost = remove.filter((taint) => !held.some((one) => isSame(taint, one)));
  if (lost.length > 0) {
    const said = lost.map(
      ({ key, effect }) => `"${key}${effect === undefined ? '' : `:${effect}`}"`,
    );
    throw new Error(`node/${name}: taint ${said.join(', ')} not found`);
  }
  const taken = set.filter((taint) => held.some((one) => isSame(taint, one)));
  const isNew = (taint: Taint) =>
    !held.some((one) => isSame(taint, one) && (one['value'] ?? '') === (taint.value ?? ''));
  if (taken.length > 0 && !overwrite) {
    throw new Error(
      `node ${name} already has ${taken.map(({ key }) => key).join(', ')} taint(s) with same effect(s) and --overwrite is false`,
    );
  }
  const kept = held.filter((one) => ![...remove, ...set].some((taint) => isSame(taint, one)));
  const said =
    remove.length === 0
      ? taken.some(isNew) || taken.length > 0
        ? 'modified'
        : 'tainted'
      : set.length === 0
        ? 'untainted'
        : 'modified';
  return { taints: [...set, ...kept], said };
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('taint', args, flags);
  const [kind = '', ...rest] = words;
  if (!['no', 'node', 'nodes'].includes(kind)) {
    throw new UsageError('only nodes have taints: bay taint nodes NODE… KEY=VALUE:EFFECT');
  }
  const first = rest.findIndex((word) => /[=:]|-$/.test(word));
  const names = first < 0 ? rest : rest.slice(0, first);
  const changes = changesOf(first < 0 ? [] : rest.slice(first));
  if (first < 0)
    throw new UsageError('at least one taint update is required: KEY=VALUE:EFFECT or KEY-');
  const isAll = values.all === true;
  if (names.length === 0 && values.selector === undefined && !isAll) {
    throw new UsageError('name the nodes, or use -l SELECTOR or --all');
  }
  if (isAll && values.selector !== undefined) {
    throw new UsageError("setting 'all' parameter with a non empty selector is prohibited");
  }
  const dryRun = dryRunOf(values['dry-run']);
  const print = values.output === undefined ? undefined : await printerOf(values.output);
  return withClient(values, async (client) => {
    let failures = 0;
    const failed = (error: unknown) => {
      failures += 1;
      tellFailure(error);
    };
    const selector = isAll ? '' : values.selector;
    for (const node of await nodesMeant(client, names, selector, failed)) {
      try {
        const { taints, said } = changed(node, changes, values.overwrite === true);
        const { name, resourceVersion } = node.metadata;
        const patch = { metadata: { resourceVersion }, spec: { taints } };
        const options = { isDry: dryRun === 'server', fieldManager: values['field-manager'] };
        const after =
          dryRun === 'client'
            ? node
            : await patchPlace(client, { type: nodes, name }, patch, 'merge', options);
        process.stdout.write(print?.(after) ?? outcome(`node/${name}`, said, dryRun));
      } catch (error) {
        failed(error);
      }
    }
    return failures > 0 ? 1 : 0;
  });
}
