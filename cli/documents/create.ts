/** `bay create -f` and `bay replace -f`: documents as they are, without what apply remembers. */
import type { RemoteClient } from '#api/client/client.ts';
import { UsageError } from '../arguments.ts';
import { type DiscoveredType, discover } from '../discovery.ts';
import type { Manifest } from '../manifests.ts';
import { objectLabel } from '../object-name.ts';
import { outcome, tellFailure, withClient } from './each.ts';
import { clientFlags, dryRunOf, parseFlags, selectionFlags, writeFlags } from './flags.ts';
import { type Printer, printerOf } from './print.ts';
import { createIn, pathOfPlace, readPlace, replacePlace, send } from './requests.ts';
import { type Asked, askedBy, manifestsOf } from './select.ts';

const flags = {
  ...clientFlags,
  ...selectionFlags,
  ...writeFlags,
  output: { type: 'string', short: 'o' },
  force: { type: 'boolean' },
  'grace-period': { type: 'string' },
  'save-config': { type: 'boolean' },
  validate: { type: 'string', bare: 'strict' },
} as const;

type Verb = 'create' | 'replace';

interface Work {
  readonly client: RemoteClient;
  readonly verb: Verb;
  readonly force: boolean;
  readonly dryRun: ReturnType<typeof dryRunOf>;
  readonly fieldManager: string | undefined;
  readonly print: Printer | undefined;
}

/** Deletes what is there, and waits for that: what cannot be changed can be made anew. */
async function makeAnew(work: Work, asked: Asked, object: object, name: string) {
  const { client } = work;
  const place = { ...asked, name };
  const body = { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 };
  const { metadata } = await readPlace(client, place);
  await send(client, 'DELETE', pathOfPlace(place), body);
  const { watchUntil } = await import('../await-healthy.ts');
  const signal = new AbortController().signal;
  await watchUntil(client, place, (one) => one?.metadata.uid !== metadata.uid, signal);
  return createIn(client, asked, object);
}

async function doOne(work: Work, manifest: Manifest, asked: Asked): Promise<void> {
  const { client, verb, dryRun, fieldManager, print } = work;
  const { metadata } = manifest.object;
  const namespace = asked.namespace === undefined ? {} : { namespace: asked.namespace };
  const object = { ...manifest.object, metadata: { ...metadata, ...namespace } };
  const options = { isDry: dryRun === 'server', fieldManager };
  const place = { ...asked, name: metadata.name };
  let made = object;
  if (dryRun !== 'client') {
    if (verb === 'create') made = (await createIn(client, asked, object, options)) as typeof object;
    else if (work.force && dryRun === 'none') {
      made = (await makeAnew(work, asked, object, metadata.name)) as typeof object;
    } else made = (await replacePlace(client, place, object, options)) as typeof object;
  }
  const label = objectLabel(asked.type, made.metadata.name ?? `${metadata.generateName}…`);
  const said = verb === 'create' ? 'created' : 'replaced';
  process.stdout.write(print === undefined ? outcome(label, said, dryRun) : print(made));
}

/** Resolves with the exit code. */
export async function createDocuments(verb: Verb, args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags(verb, args, flags);
  if (words.length > 0 || (values.filename === undefined && values.kustomize === undefined)) {
    throw new UsageError(`must specify one of -f and -k: bay ${verb} -f FILE`);
  }
  const print = values.output === undefined ? undefined : await printerOf(values.output);
  const manifests = await manifestsOf({ ...values, words });
  if (manifests.length === 0) throw new UsageError(`no objects passed to ${verb}`);
  return withClient(values, async (client) => {
    const dryRun = dryRunOf(values['dry-run']);
    const fieldManager = values['field-manager'];
    const work = { client, verb, force: values.force === true, dryRun, fieldManager, print };
    let types: readonly DiscoveredType[] = await discover(client);
    let failures = 0;
    for (const manifest of manifests) {
      try {
        // A document before may have taught the server its kind.
        const isKnown = types.some(({ kind }) => kind === manifest.object.kind);
        if (!isKnown) types = await discover(client);
        await doOne(work, manifest, askedBy(types, manifest, values.namespace));
      } catch (error) {
        failures += 1;
        tellFailure(error);
      }
    }
    return failures > 0 ? 1 : 0;
  });
}
