/** `bay set image`: other images for the containers of workloads. */
import { isObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { UsageError } from '../arguments.ts';
import { forEachFound, outcome } from '../documents/each.ts';
import {
  clientFlags,
  dryRunOf,
  parseFlags,
  selectionFlags,
  writeFlags,
} from '../documents/flags.ts';
import { printerOf } from '../documents/print.ts';
import { patchPlace } from '../documents/requests.ts';
import { objectLabel } from '../object-name.ts';

const flags = {
  ...clientFlags,
  ...selectionFlags,
  ...writeFlags,
  output: { type: 'string', short: 'o' },
} as const;

/** Where a kind keeps the spec of its pods. */
function podSpecPath({ kind }: KubeObject): string[] {
  if (kind === 'Pod') return ['spec'];
  const template = ['spec', 'template', 'spec'];
  return kind === 'CronJob' ? ['spec', 'jobTemplate', ...template] : template;
}

type Images = ReadonlyMap<string, string>;

/** `CONTAINER=IMAGE`; `*` is all containers. */
function imagesOf(words: readonly string[]): Images {
  const images = new Map<string, string>();
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = word.slice(0, equals);
    if (images.has(name)) {
      throw new UsageError(`all containers are already specified by ${word}: name each once`);
    }
    images.set(name, word.slice(equals + 1));
  }
  if (images.size === 0) {
    throw new UsageError(
      'at least one image update is required: bay set image TYPE/NAME CONTAINER=IMAGE',
    );
  }
  if (images.has('*') && images.size > 1) {
    throw new UsageError(
      'all containers are already specified by *, but saw more than one container_name=container_image pairs',
    );
  }
  return images;
}

/** The strategic patch, `undefined` if all is so already. @throws Error for a container that is not there */
function patchOf(object: KubeObject, images: Images): object | undefined {
  const path = podSpecPath(object);
  const spec = path.reduce<unknown>((part, field) => objectOr(part)[field], object);
  if (!isObject(spec)) throw new Error(`${object.kind} ${object.metadata.name} has no containers`);
  const lists = ['initContainers', 'containers'] as const;
  const names = lists.flatMap((list) => objectsOf(spec[list]).map((one) => stringOr(one['name'])));
  for (const name of images.keys()) {
    if (name === '*' || names.includes(name)) continue;
    throw new Error(`unable to find container named "${name}"`);
  }
  const changed = lists.flatMap((list) => {
    const others = objectsOf(spec[list]).flatMap((container) => {
      const name = stringOr(container['name']);
      const image = images.get(name) ?? images.get('*');
      return image === undefined || image === container['image'] ? [] : [{ name, image }];
    });
    return others.length === 0 ? [] : [[list, others] as const];
  });
  if (changed.length === 0) return undefined;
  return path.reduceRight<object>(
    (patch, field) => ({ [field]: patch }),
    Object.fromEntries(changed),
  );
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, words: all } = parseFlags('set', args, flags);
  const [what = '', ...given] = all;
  if (what !== 'image') {
    throw new UsageError(`'${what}': bay set image TYPE/NAME CONTAINER=IMAGE…`);
  }
  const images = imagesOf(given.filter((word) => word.includes('=')));
  const words = given.filter((word) => !word.includes('='));
  const dryRun = dryRunOf(values['dry-run']);
  const print = values.output === undefined ? undefined : await printerOf(values.output);
  return forEachFound({ ...values, words }, 'set image', async (client, found) => {
    const patch = patchOf(found.object, images);
    if (patch === undefined) return;
    // Without the server it cannot be known what becomes of it: the server's own dry run tells.
    const after = await patchPlace(client, found, patch, 'strategic', {
      isDry: dryRun !== 'none',
      fieldManager: values['field-manager'],
    });
    const label = objectLabel(found.type, found.name);
    process.stdout.write(
      print === undefined ? outcome(label, 'image updated', dryRun) : print(after),
    );
  });
}
