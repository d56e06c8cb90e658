/** Installs our own kinds through the API, as anybody would install theirs: creates what is missing, updates what differs. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { from } from 'rxjs/internal/observable/from';
import { mergeMap } from 'rxjs/internal/operators/mergeMap';
import type { Collection } from '#api/client/collection.ts';
import { customResourceDefinitions } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { CustomResourceDefinition } from '#api/resources/types.ts';
import { type Outcome, reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import type { Controller } from '#controller/runtime/world.ts';

/** Which text the installed definition came from: the server's defaults make it differ from the text itself. */
const hashAnnotation = 'bayplan.dev/definition-hash';

/**
 * The definitions in the directory's YAML files, each marked with the hash of its file.
 * @throws Error that names the file which cannot be read or parsed
 */
export async function readDefinitions(directory: string): Promise<CustomResourceDefinition[]> {
  // Only needed for a moment, and not small.
  const { parse } = await import('yaml');
  const names = (await readdir(directory)).filter((name) => name.endsWith('.yaml')).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(directory, name), 'utf8');
      try {
        return marked(parse(text) as CustomResourceDefinition, text);
      } catch (error) {
        throw new Error(`read the definition ${join(directory, name)}: ${error}`, { cause: error });
      }
    }),
  );
}

function marked(definition: CustomResourceDefinition, text: string): CustomResourceDefinition {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const annotations = { ...definition.metadata.annotations, [hashAnnotation]: hash };
  return { ...definition, metadata: { ...definition.metadata, annotations } };
}

/** Creates the definition, or makes the one that is there like it. */
async function install(
  collection: Collection<CustomResourceDefinition>,
  wanted: CustomResourceDefinition,
  signal: AbortSignal,
): Promise<Outcome> {
  const { name } = wanted.metadata;
  try {
    await collection.create(wanted, signal);
    return settled(`create ${name}`);
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists')) throw error;
  }
  const held = await collection.get({ name }, signal);
  const hash = wanted.metadata.annotations?.[hashAnnotation];
  if (held.metadata.annotations?.[hashAnnotation] === hash) return settled();
  const annotations = { ...held.metadata.annotations, ...wanted.metadata.annotations };
  await collection.update(
    { ...held, metadata: { ...held.metadata, annotations }, spec: wanted.spec },
    signal,
  );
  return settled(`update ${name}`);
}

/** Installs the directory's definitions once, trying again until it succeeds; they are read before it runs. */
export const definitionsController = (
  directory: string,
  reading = readDefinitions(directory),
): Controller => {
  // Told when the controller runs.
  reading.catch(() => undefined);
  return {
    name: 'crds',
    run: (world) => {
      const collection = world.collection<CustomResourceDefinition>(customResourceDefinitions);
      const names = reading.then((all) => all.map(({ metadata }) => metadata.name));
      const reconcile = async (name: string, signal: AbortSignal) => {
        const wanted = (await reading).find(({ metadata }) => metadata.name === name);
        return wanted === undefined ? settled() : install(collection, wanted, signal);
      };
      const { clock } = world;
      return reconcileKeys(flattened(names), reconcile, { clock, concurrency: 8 });
    },
  };
};

const flattened = (names: Promise<string[]>) => from(names).pipe(mergeMap((all) => all));
