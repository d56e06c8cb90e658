/** `bay get -o FORM`. */
import type { KubeObject } from '#api/resources/meta.ts';
import { apiVersionOf } from '#api/resources/meta.ts';
import type { Printer } from '../documents/print.ts';
import { type Answer, answers, type Getting } from './read.ts';

/** Items of a list with their kinds. */
function itemsOf({ asked, body, isList }: Answer): KubeObject[] {
  if (!isList) return [body as KubeObject];
  const items = body['items'] as KubeObject[];
  const { kind } = asked.type;
  return items.map((item) => ({
    ...item,
    apiVersion: item.apiVersion ?? apiVersionOf(asked.type),
    kind: item.kind ?? kind,
  }));
}

/** One object as it is; more, or a list, as a `List`. */
export async function showObjects(getting: Getting, print: Printer): Promise<void> {
  const { values } = getting;
  const all = await answers(getting, 'application/json', 'items');
  const isOne =
    all.length === 1 &&
    all[0]?.isList === false &&
    getting.asked.flatMap(({ names }) => names ?? []).length === 1;
  let items = all.flatMap(itemsOf);
  const sort = values['sort-by'];
  if (sort !== undefined) {
    const { sortedBy } = await import('../documents/sort.ts');
    items = sortedBy(items, sort, (item) => item);
  }
  const [only] = items;
  if (isOne && only !== undefined) {
    process.stdout.write(print(only));
    return;
  }
  // What could not be read was told; kubectl shows no list of nothing then.
  if (all.length === 0) return;
  process.stdout.write(
    print({ apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion: '' } }),
  );
}
