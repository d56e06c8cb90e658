/** Which of a kind's objects a request means: label and field selectors, worked out once for each stored entry. */

import type { FieldRequirements } from '#api/resources/field-selector.ts';
import {
  type LabelRequirements,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
} from '#api/resources/selector.ts';
import { checkFieldSelector, fieldValue } from '../kinds/selectable-fields.ts';
import type { Kind } from '../schema/kind.ts';
import type { Entry } from '../storage/entry.ts';
import { served } from './served.ts';

export interface Selection {
  /** Whether every object is meant. */
  readonly all: boolean;
  /** The one object that can be meant, if a field selector names it. */
  readonly name: string | undefined;
  /** Whether nothing but that name is asked for. */
  readonly nameAlone: boolean;
  matches(entry: Entry): boolean;
}

const everything: Selection = { all: true, name: undefined, nameAlone: false, matches: () => true };

/** An entry keeps what its fields say; versions of one kind may call the same field by different names. */
function readField(kind: Kind, entry: Entry, path: string): string {
  if (path === 'metadata.name') return entry.key.slice(entry.key.lastIndexOf('/') + 1);
  const key = `${kind.group}/${kind.version} ${path}`;
  return entry.memo(key, () => fieldValue(kind, served(kind, entry), path));
}

/** The selection of a request's `labelSelector` and `fieldSelector`. Throws 400. */
export function selectionOf(kind: Kind, query: URLSearchParams): Selection {
  const labelText = query.get('labelSelector') ?? '';
  const fieldText = query.get('fieldSelector') ?? '';
  if (labelText === '' && fieldText === '') return everything;
  const labels: LabelRequirements = parseLabelSelector(labelText);
  const fields: FieldRequirements = parseFieldSelector(fieldText);
  const problem = checkFieldSelector(kind, fields);
  if (problem !== undefined) throw problem;
  const named = fields.find(({ path, operator }) => path === 'metadata.name' && operator === '=');
  return {
    all: labels.length === 0 && fields.length === 0,
    name: named?.value,
    nameAlone: named !== undefined && fields.length === 1 && labels.length === 0,
    matches: (entry) =>
      matchesFields(fields, (path) => readField(kind, entry, path)) &&
      (labels.length === 0 || matchesLabels(labels, entry.labels)),
  };
}
