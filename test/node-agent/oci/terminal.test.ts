/** Terminals of bundles: to a console socket, as podman's conmon and containerd's shim hold it, or to our own. */

import { execFile } from 'node:child_process';
import { closeSync, readSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { promisify } from 'node:util';
import t from 'tap';
import { receiveDescriptor, resizeTerminal } from '#native/descriptors.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { Rig } from './bundle.ts';

needsRoot();
const rig = new Rig(scratch('oci-terminal')());

/** Who listens for a terminal; gives its master. */
async function consoleSocket(
  path: string,
): Promise<{ master: Promise<number>; close: () => void }> {
  const server = createServer({ pauseOnConnect: true });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const master = new Promise<number>((resolve, reject) => {
    server.once('connection', (socket: Socket) => {
      const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
      receiveDescriptor(fd).then(resolve, reject);
    });
  });
  return { master, close: () => server.close() };
}

function readAll(master: number): string {
  const bytes = Buffer.alloc(4096);
  let text = '';
  for (;;) {
    try {
      const length = readSync(master, bytes);
      if (length === 0) return text;
      text += bytes.toString('utf8', 0, length);
    } catch {
      return text; // EIO: the other end is closed
    }
  }
}

const terminal = (size?: object) => ({
  process: { terminal: true, ...(size === undefined ? {} : { consoleSize: size }) },
});

t.test('the master goes to the console socket, with the size of the bundle', async (t) => {
  const path = `${rig.directory}/console`;
  const { master, close } = await consoleSocket(path);
  const script = 'stty size; tty; [ -c /dev/console ] && echo console; exit 4';
  const bundle = rig.bundle(['sh', '-c', script], terminal({ width: 97, height: 31 }));
  await rig.ok(['create', '-b', bundle, '--console-socket', path, 'c']);
  const fd = await master;
  await rig.ok(['start', 'c']);
  t.equal(readAll(fd), '31 97\r\n/dev/pts/0\r\nconsole\r\n');
  closeSync(fd);
  await rig.ok(['delete', '-f', 'c']);
  close();
});

t.test('exec has a terminal of its own; its size can be changed', async (t) => {
  await rig.ok(['run', '-d', '-b', rig.bundle(['sleep', '1000']), 'e']);
  const path = `${rig.directory}/exec-console`;
  const { master, close } = await consoleSocket(path);
  const script = 'read line; stty size; echo "got $line"';
  await rig.ok(['exec', '-d', '-t', '--console-socket', path, 'e', 'sh', '-c', script]);
  const fd = await master;
  resizeTerminal(fd, 61, 17);
  const { writeSync } = await import('node:fs');
  writeSync(fd, 'hello\n');
  t.match(readAll(fd), /17 61\r\ngot hello\r\n/);
  closeSync(fd);
  close();
  t.match((await rig.run(['exec', '-d', '-t', 'e', 'true'])).stderr, /--console-socket must say/);
  await rig.ok(['delete', '-f', 'e']);
});

t.test('in the foreground it is shown on ours', async (t) => {
  const bundle = rig.bundle(['sh', '-c', 'stty size; tty; exit 6'], terminal());
  const program = `${process.execPath} ${new URL('../../../node-agent/oci/main.ts', import.meta.url).pathname}`;
  const command = `stty rows 20 cols 70; ${program} --root ${rig.root} run -b ${bundle} f`;
  // script(1) gives the runtime a terminal.
  const { stdout } = await promisify(execFile)('script', ['-qec', command, '/dev/null']).catch(
    (error: { code: number; stdout: string }) => {
      t.equal(error.code, 6);
      return error;
    },
  );
  t.match(stdout, '/dev/pts/0');
});
