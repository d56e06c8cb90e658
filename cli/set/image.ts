/** `bay set image`: other images for the containers of workloads. */
import { objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { UsageError } from '../arguments.ts';
import { parseFlags } from '../documents/flags.ts';
import { setEach, settingFlags } from './change-spec.ts';
import { containerLists, podSpecOf, specPatch } from './pod-spec.ts';

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
  const pod = podSpecOf(object);
  const listed = containerLists.map((list) => ({ list, members: objectsOf(pod.spec[list]) }));
  const names = listed.flatMap(({ members }) => members.map((one) => stringOr(one['name'])));
  for (const name of images.keys()) {
    if (name === '*' || names.includes(name)) continue;
    throw new Error(`unable to find container named "${name}"`);
  }
  const changed = listed.flatMap(({ list, members }) => {
    const others = members.flatMap((container) => {
      const name = stringOr(container['name']);
      const image = images.get(name) ?? images.get('*');
      return image === undefined || image === container['image'] ? [] : [{ name, image }];
    });
    return others.length === 0 ? [] : [[list, others] as const];
  });
  return changed.length === 0 ? undefined : specPatch(pod, Object.fromEntries(changed));
}

export async function setImage(args: readonly string[]): Promise<number> {
  const { values, words: given } = parseFlags('set', args, settingFlags);
  const images = imagesOf(given.filter((word) => word.includes('=')));
  const words = given.filter((word) => !word.includes('='));
  const how = { command: 'set image', what: 'image updated', form: 'strategic' } as const;
  return setEach({ ...how, values, words }, ({ object }) => patchOf(object, images));
}
