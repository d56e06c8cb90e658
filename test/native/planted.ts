/**
 * Makes a fault on purpose: `planted.ts addon plantedAddress|plantedUndefined`, or `planted.ts supervisor HOSTNAME DIRECTORY`,
 * which prints the supervisor's pid. With the addon or supervisor that `make sanitize-planted` builds.
 */
import { mkdirSync } from 'node:fs';
import { encodeContainer } from '#native/encode.ts';
import { loadAddon } from '#native/load.ts';
import { namespaceType } from '#native/protocol.ts';
import { startSupervisor } from '#native/spawn.ts';
import { plainContainer, program } from './plain-container.ts';

const [what, name = '', directory = ''] = process.argv.slice(2);

if (what === 'addon') {
  loadAddon<Record<string, () => void>>()[name]?.();
  process.exit(0);
}
mkdirSync(`${directory}/state`, { recursive: true });
try {
  await startSupervisor({
    directory: `${directory}/state`,
    id: 'planted',
    before: [],
    rest: (give) =>
      give({
        meanwhile: [],
        spec: encodeContainer({
          ...plainContainer,
          hostname: name,
          layers: ['/nowhere'],
          upper: '/nowhere',
          work: '/nowhere',
          namespaces: [{ type: namespaceType.mount, path: '' }],
          process: program(['true']),
        }),
      }),
  });
  process.stdout.write('answered\n');
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`);
}
process.exit(0);
