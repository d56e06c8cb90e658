/** `bay rollout history`. */
import type { RemoteClient } from '#api/client/client.ts';
import { describePodTemplate } from '../describe/pod-template.ts';
import { Writer } from '../describe/writer.ts';
import { printerOf } from '../documents/print.ts';
import type { Found } from '../documents/select.ts';
import { tabbed } from '../documents/tab-writer.ts';
import { objectLabel } from '../object-name.ts';
import { type Revision, revisionsOf } from './revisions.ts';

function table(revisions: readonly Revision[]): string {
  const rows = revisions.map(({ number, cause }) => `${number}\t${cause || '<none>'}\n`);
  return tabbed(`REVISION\tCHANGE-CAUSE\n${rows.join('')}`);
}

/** What pods are made of, as kubectl shows it of a revision. */
export function templateText({
  template: of,
  cause,
}: Pick<Revision, 'template' | 'cause'>): string {
  const out = new Writer();
  const metadata = (of['metadata'] ?? {}) as { annotations?: Record<string, string> };
  const annotations = {
    ...metadata.annotations,
    ...(cause === '' ? {} : { 'kubernetes.io/change-cause': cause }),
  };
  describePodTemplate(out, { ...of, metadata: { ...metadata, annotations } });
  // kubectl leaves the tabs of this one to the terminal.
  return out.raw;
}

/** The list of revisions, or one in full. @throws Error if there is no such revision */
export async function historyOf(
  client: RemoteClient,
  found: Found,
  wanted: number,
  form: string | undefined,
): Promise<string> {
  const revisions = await revisionsOf(client, found);
  const one = revisions.find(({ number }) => number === wanted);
  if (wanted > 0 && one === undefined) {
    throw new Error(
      `unable to find the specified revision: ${wanted}; 'bay rollout history ${objectLabel(found.type, found.name)}' lists them`,
    );
  }
  if (form !== undefined) {
    const print = await printerOf(form);
    return print(one?.object ?? revisions.at(-1)?.object ?? found.object);
  }
  const label = objectLabel(found.type, found.name);
  if (one !== undefined) return `${label} with revision #${wanted}\n${templateText(one)}\n`;
  if (revisions.length === 0) return `${label} \nNo rollout history found.\n`;
  return `${label} \n${table(revisions)}\n`;
}
