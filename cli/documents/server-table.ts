/** Tables that the server makes of documents (`meta.k8s.io/v1 Table`), as kubectl shows them. */
import type { KubeObject } from '#api/resources/meta.ts';
import { columnWidths, tabbed } from './tab-writer.ts';

export const tableForm = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

export interface Row {
  readonly cells: readonly unknown[];
  readonly object: KubeObject;
}

export interface ServerTable {
  readonly kind: string;
  readonly columnDefinitions?: readonly { readonly name: string; readonly priority: number }[];
  readonly rows: readonly Row[];
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

export interface TableOptions {
  readonly isWide: boolean;
  readonly namespaces: boolean;
  readonly headings: boolean;
  readonly showLabels: boolean;
  /** Labels that get a column each. */
  readonly labelColumns: readonly string[];
  /** `deployment.apps/`, before each name. */
  readonly prefix: string;
}

/** A cell has one line. */
function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell !== 'string') return String(cell);
  const end = cell.search(/[\f\n\r]/);
  return end < 0 ? cell : `${cell.slice(0, end)}...`;
}

const labelsText = (labels: Readonly<Record<string, string>> = {}): string =>
  Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(',') || '<none>';

/** Keeps its columns as wide as they were when more rows come later. */
export class TablePrinter {
  readonly #options: TableOptions;
  #shown: readonly { readonly name: string; readonly index: number }[] = [];
  #widths: readonly number[] = [];
  #hasHeadings = false;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** The rows, under the headings if those were not shown yet. */
  text({ columnDefinitions, rows }: ServerTable): string {
    if (columnDefinitions !== undefined && columnDefinitions.length > 0) {
      this.#shown = columnDefinitions
        .map((column, index) => ({ ...column, index }))
        .filter(({ priority }) => this.#options.isWide || priority === 0);
    }
    const lines = rows.map((row) => this.#line(row));
    if (this.#options.headings && !this.#hasHeadings) lines.unshift(this.#headings());
    this.#hasHeadings = true;
    const text = lines.map((line) => `${line}\n`).join('');
    const how = { min: 6, padding: 3, atLeast: this.#widths };
    this.#widths = columnWidths(text, how);
    return tabbed(text, how);
  }

  #headings(): string {
    const { namespaces, labelColumns, showLabels } = this.#options;
    return [
      ...(namespaces ? ['NAMESPACE'] : []),
      ...this.#shown.map(({ name }) => name.toUpperCase()),
      ...labelColumns.map((label) => (label.split('/').at(-1) ?? '').toUpperCase()),
      ...(showLabels ? ['LABELS'] : []),
    ].join('\t');
  }

  #line({ cells, object }: Row): string {
    const { namespaces, labelColumns, showLabels, prefix } = this.#options;
    const { namespace = '', labels = {} } = object.metadata;
    const own = this.#shown.map(
      ({ index }, column) => `${column === 0 ? prefix : ''}${cellText(cells[index])}`,
    );
    return [
      ...(namespaces ? [namespace] : []),
      ...own,
      ...labelColumns.map((label) => labels[label] ?? ''),
      ...(showLabels ? [labelsText(labels)] : []),
    ].join('\t');
  }
}
