/** Folders with kustomizations, and what kustomize 5.5 or 5.6 itself made of them (`out.yaml`). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '#api/resources/meta.ts';
import { render } from '#controller/git-sync/render/render.ts';
import { directoryTree } from '#controller/git-sync/source/directory.ts';

const cases = join(import.meta.dirname, 'kustomize');
const byName = (objects: readonly KubeObject[]) =>
  Object.fromEntries(
    objects.map((object) => {
      const { namespace = '', name } = object.metadata;
      return [`${object.kind} ${namespace}/${name}`, object];
    }),
  );

for (const name of readdirSync(cases).sort()) {
  t.test(`${name}: the same as kustomize`, async (t) => {
    const { documents, problems } = await render(await directoryTree(join(cases, name, 'in')), '.');
    t.strictSame(problems, []);
    const expected = parseAllDocuments(readFileSync(join(cases, name, 'out.yaml'), 'utf8'));
    const made = byName(documents.map(({ object }) => object));
    const wanted = byName(expected.map((one) => one.toJS() as KubeObject));
    t.strictSame(Object.keys(made).sort(), Object.keys(wanted).sort());
    for (const [id, object] of Object.entries(wanted))
      t.strictSame(sorted(made[id]), sorted(object), id);
  });
}

/** Fields in order, so that a difference is read easily. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, sorted(one)]));
}
