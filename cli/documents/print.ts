/** Documents as `-o` asks: in kubectl's own JSON and YAML, by name, or through a template. */
import type { KubeObject } from '#api/resources/meta.ts';
import { UsageError } from '../arguments.ts';
import { toJson } from './go-text.ts';

/** Text of an object, or of a `List`. */
export type Printer = (object: object) => string;

/** Owners of fields are for machines, unless they are asked for. */
export function withoutManagedFields(object: KubeObject): KubeObject {
  if (object.metadata?.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

const itemsOf = (object: object): KubeObject[] =>
  'items' in object && Array.isArray(object.items) ? object.items : [object as KubeObject];

const shown = (object: object, keepOwners: boolean): object => {
  if (keepOwners) return object;
  const items = itemsOf(object).map(withoutManagedFields);
  return 'items' in object ? { ...object, items } : (items[0] ?? object);
};

const nameOf = ({ kind, apiVersion, metadata }: KubeObject): string => {
  const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : '';
  return `${kind.toLowerCase()}${group}/${metadata.name}\n`;
};

export interface PrintOptions {
  /** Whether `metadata.managedFields` is shown. */
  readonly managedFields?: boolean;
  /** A template's missing keys are an error. */
  readonly strict?: boolean;
  readonly noHeaders?: boolean;
}

/** Forms that need another file to be read: `jsonpath-file=PATH`. */
const templated = ['jsonpath', 'jsonpath-as-json', 'custom-columns', 'go-template', 'template'];

/** The printer of `-o FORM`. @throws UsageError for a form that is none, or a template that is wrong */
export async function printerOf(form: string, options: PrintOptions = {}): Promise<Printer> {
  const all = options.managedFields === true;
  if (form === 'json') return (object) => `${toJson(shown(object, all))}\n`;
  if (form === 'yaml') {
    const { toYaml } = await import('./yaml-text.ts');
    return (object) => toYaml(shown(object, all));
  }
  if (form === 'name') return (object) => itemsOf(object).map(nameOf).join('');
  const equals = form.indexOf('=');
  const kind = equals < 0 ? form : form.slice(0, equals);
  if (templated.includes(kind.replace(/file$/, '').replace(/-$/, ''))) {
    const { templatePrinter } = await import('./template-print.ts');
    return templatePrinter(kind, equals < 0 ? undefined : form.slice(equals + 1), options);
  }
  throw new UsageError(
    `unable to match a printer suitable for the output format "${form}", allowed formats are: custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,wide,yaml`,
  );
}
