/** Foreign layers: their descriptors name URLs where they are, outside registries (OCI image-spec, "non-distributable layers"). */

import type * as oci from '../oci.ts';
import type { BlobSource } from './download.ts';
import { splitRepository } from './endpoint.ts';
import { answerProblem, networkProblem } from './problem.ts';
import type { Pull } from './pull.ts';
import type { Settings } from './settings.ts';

/**
 * Empty unless the settings allow them for the registry: the author of an image would choose whom the node connects to.
 */
export function foreignSources(
  { registry, reference }: Pull,
  settings: Settings,
  { mediaType = '', urls }: oci.Descriptor,
): readonly BlobSource[] {
  const { domain } = splitRepository(reference.repository);
  const isAllowed = settings.registries?.[domain]?.foreignLayers === true;
  if (!isAllowed || !/foreign\.diff|nondistributable/.test(mediaType)) return [];
  const allowed = (urls ?? []).filter((url) => URL.canParse(url) && /^https?:/.test(url));
  return allowed.map((text) => {
    const url = new URL(text);
    const name = `GET ${url.origin}${url.pathname}`;
    return {
      name,
      get: async (offset, signal) => {
        const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
        const answer = await registry.parts.transport
          .send({ method: 'GET', url, headers, tls: {}, signal })
          .catch((error: unknown) => {
            throw networkProblem(name, url.host, error);
          });
        if ([200, 206, 416].includes(answer.status)) return answer;
        throw await answerProblem(name, answer);
      },
    };
  });
}
