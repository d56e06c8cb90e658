/** The descriptions of roles, with their rules put together as kubectl does, and of their bindings. */
import { objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { Subject } from './describe.ts';
import type { Writer } from './writer.ts';

/** A rule about one resource of one group, or about one URL. */
interface Rule {
  readonly group?: string;
  readonly resource?: string;
  readonly name?: string;
  readonly url?: string;
  readonly verbs: readonly string[];
}

const texts = (list: unknown): readonly string[] =>
  Array.isArray(list) ? list.map((one) => String(one)) : [];

const listed = (list: readonly (string | undefined)[]): string =>
  `[${list.filter((one) => one !== undefined).join(' ')}]`;

/** The order kubectl sorts by: its rules' fields as text. */
const sortKey = ({ verbs, group, resource, name, url }: Rule): string =>
  `${listed(verbs)},${listed([group])},${listed([resource])},${listed([name])},${listed([url])}`;

/** Verbs of the same resource in one rule; those of a URL stay apart. */
export function brokenDown(rules: unknown): Rule[] {
  const urls: Rule[] = [];
  const resources = new Map<string, Rule>();
  for (const rule of objectsOf(rules)) {
    const verbs = texts(rule['verbs']);
    const named = texts(rule['resourceNames']);
    for (const group of texts(rule['apiGroups']))
      for (const resource of texts(rule['resources']))
        for (const name of named.length === 0 ? [undefined] : named) {
          const key = JSON.stringify([group, resource, name]);
          const all = new Set([...(resources.get(key)?.verbs ?? []), ...verbs]);
          resources.set(key, {
            group,
            resource,
            ...(name === undefined ? {} : { name }),
            verbs: [...all],
          });
        }
    for (const url of texts(rule['nonResourceURLs']))
      for (const verb of verbs) urls.push({ url, verbs: [verb] });
  }
  const keyed = [...urls, ...resources.values()].map((rule) => ({ rule, key: sortKey(rule) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map(({ rule }) => rule);
}

/** `deployments.apps/scale`. */
function resourceText({ group = '', resource }: Rule): string {
  if (resource === undefined) return '';
  const [main = '', ...sub] = resource.split('/');
  return [group === '' ? main : `${main}.${group}`, ...sub].join('/');
}

function head(out: Writer, { object: { metadata } }: Subject): void {
  out.field(0, 'Name', metadata.name);
  out.labels('Labels', metadata.labels);
  out.annotations('Annotations', metadata.annotations);
}

export function describeRole(out: Writer, subject: Subject): void {
  head(out, subject);
  out.line(0, 'PolicyRule:');
  out.line(1, 'Resources\tNon-Resource URLs\tResource Names\tVerbs');
  out.line(1, '---------\t-----------------\t--------------\t-----');
  for (const rule of brokenDown(subject.object['rules'])) {
    const cells = [resourceText(rule), listed([rule.url]), listed([rule.name]), listed(rule.verbs)];
    out.line(1, cells.join('\t'));
  }
}

export function describeBinding(out: Writer, subject: Subject): void {
  const { kind, name } = objectOr(subject.object['roleRef']);
  head(out, subject);
  out.line(0, 'Role:');
  out.field(1, 'Kind', kind);
  out.field(1, 'Name', name);
  out.line(0, 'Subjects:');
  out.line(1, 'Kind\tName\tNamespace');
  out.line(1, '----\t----\t---------');
  for (const one of objectsOf(subject.object['subjects']))
    out.line(1, `${one['kind']}\t${one['name']}\t${stringOr(one['namespace'])}`);
}
