/** Makes this process use a supervisor that dies before a call of its (`support/failpoints.c`). To be imported first. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { scratch } from '../../support/scratch.ts';

const directory = scratch('dying')();
const root = resolve(import.meta.dirname, '../../..');
const library = `${directory}/libfailpoints.so`;
const shared = ['-O1', '-shared', '-fPIC', '-DSUPERVISOR'];
execFileSync('gcc', [...shared, '-o', library, `${root}/test/support/failpoints.c`, '-ldl']);
// Dynamic, with the failpoints in front of the C library.
execFileSync('sh', [
  '-c',
  `gcc -std=gnu17 -O1 -D_GNU_SOURCE -I${root}/native/src ${root}/native/src/supervisor/*.c \
     -o ${directory}/supervisor -Wl,--no-as-needed ${library} -Wl,-rpath,${directory}`,
]);
process.env['BAY_SUPERVISOR'] = `${directory}/supervisor`;
