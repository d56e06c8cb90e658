/** `bay rmi`: takes names away from images; content nobody names any more goes with the last. */
import { hasReason } from '#api/resources/status.ts';
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { errorText } from '../errors.ts';
import { imageOptions, imagesPath, nodeNames } from '../images.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, imageOptions);
  if (positionals.length === 0) throw new UsageError('name the images: bay rmi IMAGE…');
  const client = await openClient(values);
  let failures = 0;
  try {
    const names = await nodeNames(client, values.node);
    for (const reference of positionals) {
      let missing: unknown;
      let removed = 0;
      for (const node of names) {
        try {
          await client.request('DELETE', imagesPath(node, `/${encodeURIComponent(reference)}`));
          removed += 1;
        } catch (error) {
          if (!hasReason(error, 'NotFound')) throw error;
          missing = error;
        }
      }
      if (removed > 0) process.stdout.write(`Untagged: ${reference}\n`);
      else {
        process.stderr.write(`bay: ${errorText(missing)}\n`);
        failures += 1;
      }
    }
    return failures === 0 ? 0 : 1;
  } finally {
    client.close();
  }
}
