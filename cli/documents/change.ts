/** The frame of commands that change each document that is meant, or make another for it. */
import type { RemoteClient } from '#api/client/client.ts';
import type { KubeObject, ResourceType } from '#api/resources/meta.ts';
import { objectLabel } from '../object-name.ts';
import { forEachFound, outcome } from './each.ts';
import {
  clientFlags,
  type DryRun,
  dryRunOf,
  selectionFlags,
  type Values,
  writeFlags,
} from './flags.ts';
import { printerOf } from './print.ts';
import { createIn, type WriteOptions } from './requests.ts';
import type { Found, Selection } from './select.ts';

/** Flags of every such command. */
export const changeFlags = {
  ...clientFlags,
  ...selectionFlags,
  ...writeFlags,
  output: { type: 'string', short: 'o' },
} as const;

/** What the flags say about one change. */
export interface Change {
  readonly dryRun: DryRun;
  readonly options: WriteOptions;
  /** `deployment.apps/web scaled`, or the object as `-o` asks. */
  tell(type: Pick<ResourceType, 'group' | 'kind'>, what: string, after: KubeObject): void;
}

/** What the flags ask for. @throws UsageError for a form of output that there is not */
export async function changeOf(values: Values<typeof changeFlags>): Promise<Change> {
  const dryRun = dryRunOf(values['dry-run']);
  const print = values.output === undefined ? undefined : await printerOf(values.output);
  return {
    dryRun,
    options: { isDry: dryRun === 'server', fieldManager: values['field-manager'] },
    tell: (type, what, after) => {
      const line = () => outcome(objectLabel(type, after.metadata.name), what, dryRun);
      process.stdout.write(print === undefined ? line() : print(after));
    },
  };
}

/** Exit code 1 if one fails; the others are done all the same. */
export async function changeEach(
  command: string,
  values: Values<typeof changeFlags> & { readonly [flag: string]: unknown },
  words: readonly string[],
  each: (client: RemoteClient, found: Found, change: Change) => Promise<void>,
): Promise<number> {
  const change = await changeOf(values);
  const selection: Selection = { ...values, words };
  return forEachFound({ ...values, ...selection }, command, (client, found) =>
    each(client, found, change),
  );
}

/** Makes a document beside the one that was found, `dryRun` allowing; and says so. */
export async function createBeside(
  client: RemoteClient,
  type: ResourceType,
  draft: KubeObject,
  { found, isPlaced, what }: { found: Found; isPlaced: boolean; what: string },
  { dryRun, options, tell }: Change,
): Promise<void> {
  const { namespace } = found;
  const isWhole = isPlaced || dryRun !== 'client';
  const metadata = { ...draft.metadata, ...(isWhole ? { namespace } : {}) };
  const object = { ...draft, metadata } as KubeObject;
  const made =
    dryRun === 'client' ? object : await createIn(client, { type, namespace }, object, options);
  tell(type, what, made);
}
