/** `bay cordon` and `bay uncordon`: whether new pods may go to nodes. */
import type { RemoteClient } from '#api/client/client.ts';
import { objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { nodes } from '#api/resources/resource-types.ts';
import { UsageError } from '../arguments.ts';
import { outcome, tellFailure, withClient } from '../documents/each.ts';
import { clientFlags, type DryRun, dryRunOf, parseFlags, writeFlags } from '../documents/flags.ts';
import { patchPlace } from '../documents/requests.ts';

const flags = {
  ...clientFlags,
  selector: { type: 'string', short: 'l' },
  'dry-run': writeFlags['dry-run'],
} as const;

/** The nodes that are named, or that the selector lets through; what is not there is told to `failed`. */
export async function nodesMeant(
  client: RemoteClient,
  names: readonly string[],
  selector: string | undefined,
  failed: (error: unknown) => void,
): Promise<KubeObject[]> {
  const all = client.collection<KubeObject>(nodes);
  if (selector !== undefined) return [...(await all.list({ labelSelector: selector })).items];
  const found = await Promise.all(
    names.map((text) => {
      const name = text.replace(/^(no|nodes?)\//, '');
      return all.get({ name }).catch((error: unknown) => {
        failed(error);
        return undefined;
      });
    }),
  );
  return found.filter((one) => one !== undefined);
}

/** @throws UsageError unless nodes are either named or selected */
export function checkMeant(
  command: string,
  words: readonly string[],
  selector: string | undefined,
): void {
  if (words.length > 0 && selector !== undefined) {
    throw new UsageError('cannot specify both a node name and a --selector option');
  }
  if (words.length === 0 && selector === undefined) {
    throw new UsageError(`name the nodes, or select them: bay ${command} NODE… | -l SELECTOR`);
  }
}

/** The same, or nothing when one is not there: then none of the others is touched. */
export async function allMeant(
  client: RemoteClient,
  names: readonly string[],
  selector: string | undefined,
): Promise<KubeObject[] | undefined> {
  let isWhole = true;
  const found = await nodesMeant(client, names, selector, (error) => {
    isWhole = false;
    tellFailure(error);
  });
  return isWhole ? found : undefined;
}

/** Resolves with what is to be said of it. */
async function cordon(
  client: RemoteClient,
  node: KubeObject,
  isCordoned: boolean,
  dryRun: DryRun,
): Promise<string> {
  const { name } = node.metadata;
  const what = isCordoned ? 'cordoned' : 'uncordoned';
  const isSo = objectOr(node['spec'])['unschedulable'] === true;
  if (isSo === isCordoned) return outcome(`node/${name}`, `already ${what}`, dryRun);
  if (dryRun !== 'client') {
    const patch = { spec: { unschedulable: isCordoned ? true : null } };
    await patchPlace(client, { type: nodes, name }, patch, 'strategic', {
      isDry: dryRun === 'server',
    });
  }
  return outcome(`node/${name}`, what, dryRun);
}

/** Resolves with the exit code. */
export async function changeCordon(args: readonly string[], isCordoned: boolean): Promise<number> {
  const command = isCordoned ? 'cordon' : 'uncordon';
  const { values, words } = parseFlags(command, args, flags);
  checkMeant(command, words, values.selector);
  const dryRun = dryRunOf(values['dry-run']);
  return withClient(values, async (client) => {
    const all = await allMeant(client, words, values.selector);
    return all !== undefined && (await cordonAll(client, all, isCordoned, dryRun)) ? 0 : 1;
  });
}

/** Tells what is done with each; resolves with whether it could be done with all. */
export async function cordonAll(
  client: RemoteClient,
  all: readonly KubeObject[],
  isCordoned: boolean,
  dryRun: DryRun,
): Promise<boolean> {
  let isDone = true;
  for (const node of all) {
    try {
      process.stdout.write(await cordon(client, node, isCordoned, dryRun));
    } catch (error) {
      isDone = false;
      tellFailure(error);
    }
  }
  return isDone;
}
