/** Ports of the node that `bay run -P` and `-p` without a port of the node get, seen by what answers there. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { type TestCluster, waitFor } from '../support/cluster.ts';

/** What says something and hangs up, as `nc -l` does. */
async function said(port: number): Promise<string | undefined> {
  const socket = connect({ host: '127.0.0.1', port });
  return text(socket).catch(() => undefined);
}

/** The image, with `EXPOSE 8080` on top of it, is made here. */
export async function runPublished(t: Test, cluster: TestCluster, image: string): Promise<void> {
  const good = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.bay(...args);
    t.equal(code, 0, `bay ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const speaker = (word: string) => ['sh', '-c', `while :; do echo ${word} | nc -l -p 8080; done`];
  await good('create', '--name', 'base', image);
  await good('commit', '-c', 'EXPOSE 8080', 'base', 'exposing:1');
  const names = ['all', 'open', 'third'];
  const started = await Promise.all([
    good('run', '-d', '--name', 'all', '-P', 'exposing:1', ...speaker('all')),
    good('run', '-d', '--name', 'open', '-p', '127.0.0.1::8080', image, ...speaker('open')),
    good('run', '-d', '--name', 'third', '-P', '--expose', '8080', image, ...speaker('third')),
  ]);
  t.equal(started.length, 3);
  const ports: number[] = [];
  for (const name of names) {
    const [, address = '', port = ''] =
      /^(\S+):(\d+)\n$/.exec(await good('port', name, '8080')) ?? [];
    ports.push(Number(port));
    t.equal(address, name === 'open' ? '127.0.0.1' : '0.0.0.0');
    const heard = await waitFor(`${name} on ${port}`, async () => {
      const answer = await said(Number(port));
      return answer === undefined || answer === '' ? undefined : answer;
    });
    t.equal(heard, `${name}\n`);
    t.match(await good('ps', '-f', `name=${name}`), `${address}:${port}->8080/tcp`);
    const format = '{{(index (index .NetworkSettings.Ports "8080/tcp") 0).HostPort}}';
    t.equal(await good('inspect', '-f', format, name), `${port}\n`);
  }
  t.equal(new Set(ports).size, 3, String(ports));
  await good('stop', '-t', '0', 'all');
  t.equal(await good('port', 'all'), '', 'at rest it has none');
  await good('rm', '-f', ...names, 'base');
}
