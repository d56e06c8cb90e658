/** How documents are called in output: `deployment.apps/web`. */
import type { ResourceType } from '#api/resources/meta.ts';

/** `deployment.apps`, `configmap`. */
export const typeLabel = ({ kind, group }: Pick<ResourceType, 'kind' | 'group'>): string =>
  `${kind.toLowerCase()}${group === '' ? '' : `.${group}`}`;

/** `deployment.apps/web`. */
export const objectLabel = (type: Pick<ResourceType, 'kind' | 'group'>, name: string): string =>
  `${typeLabel(type)}/${name}`;
