/** An applier wants fields that others own with other values: 409, worded as Kubernetes does. */
import { failure, type StatusError } from '#api/resources/status.ts';
import { difference, type FieldSet, isEmpty, pathTexts } from './field-set.ts';
import type { Manager } from './managers.ts';

/** What one manager owns of the fields that the configuration would change. */
export interface Conflict {
  readonly manager: Manager;
  readonly fields: FieldSet;
}

/** The conflicts that are left without these fields. */
export function conflictsWithout(conflicts: readonly Conflict[], allowed: FieldSet): Conflict[] {
  return conflicts
    .map(({ manager, fields }) => ({ manager, fields: difference(fields, allowed) }))
    .filter(({ fields }) => !isEmpty(fields));
}

/** `"m" using apps/v1` for who updates, `"m"` for who applies; with the subresource if there is one. */
function managerText({ manager, operation, apiVersion, subresource }: Manager): string {
  const part = subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  const using = operation === 'Update' ? ` using ${apiVersion}` : '';
  return `${JSON.stringify(manager)}${part}${using}`;
}

/** 409 with one cause a field. */
export function applyConflict(conflicts: readonly Conflict[]): StatusError {
  const byManager = conflicts
    .map(({ manager, fields }) => ({ manager: managerText(manager), paths: pathTexts(fields) }))
    .sort((a, b) => (a.manager < b.manager ? -1 : 1));
  const causes = byManager.flatMap(({ manager, paths }) =>
    paths.map((field) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${manager}`,
      field,
    })),
  );
  return failure(409, 'Conflict', messageOf(byManager, causes.length), { causes });
}

interface ManagerPaths {
  readonly manager: string;
  readonly paths: readonly string[];
}

function messageOf(byManager: readonly ManagerPaths[], count: number): string {
  const [first] = byManager;
  if (count === 1 && first !== undefined) {
    return `Apply failed with 1 conflict: conflict with ${first.manager}: ${first.paths[0]}`;
  }
  const lines = byManager.flatMap(({ manager, paths }) => [
    `conflicts with ${manager}:`,
    ...paths.map((path) => `- ${path}`),
  ]);
  return `Apply failed with ${count} conflicts: ${lines.join('\n')}`;
}
