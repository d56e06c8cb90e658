/** `bay exec` with docker's flags, on the running cluster of a test. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { type TestCluster, waitFor } from '../support/cluster.ts';

const image = 'bayplan.local/busybox:latest';

/** What a test file asks of a cluster. */
export interface Asked {
  readonly cluster: TestCluster;
  /** Resolves with what it prints; the exit code must be 0. */
  readonly bay: (...args: string[]) => Promise<string>;
}

export async function asDockerHasIt(t: Test, { cluster, bay }: Asked): Promise<void> {
  const code = async (...args: string[]) => (await cluster.bay('exec', ...args)).code;
  await bay('run', '-d', '--name', 'plain', '-e', 'GIVEN=1', image, 'sleep', '3600');
  const passwd =
    'echo "me:x:1234:1234::/home/me:/bin/sh" >>/etc/passwd; echo "more:x:77:me" >>/etc/group';
  await bay('exec', 'plain', 'sh', '-c', passwd);

  const who = 'id -u; id -g; id -G; echo $HOME; pwd';
  t.equal(
    await bay('exec', '-u', 'me', '-w', '/tmp', 'plain', 'sh', '-c', who),
    '1234\n1234\n1234 77\n/home/me\n/tmp\n',
    'as the container knows its users now, not its image',
  );
  t.equal(await bay('exec', '-u', '5:more', 'plain', 'sh', '-c', 'id -u; id -g'), '5\n77\n');
  const file = join(cluster.folder, 'exec.env');
  writeFileSync(file, '# one\nOF_FILE=f\nBOTH=f\n');
  const told = ['--env-file', file, '-e', 'BOTH=e', '-e', 'HOME=/else', '-u', 'me'];
  t.equal(
    await bay('exec', ...told, 'plain', 'sh', '-c', 'echo $GIVEN $OF_FILE $BOTH $HOME'),
    '1 f e /else\n',
  );
  rmSync(file);
  t.match(
    (await cluster.bay('exec', '-u', 'nobody-here', 'plain', 'id')).stderr,
    /no 'nobody-here'/,
  );
  t.equal(await code('-w', 'tmp', 'plain', 'true'), 1);
  t.equal(await code('-e', 'A=b', 'plain', 'no-such-program'), 127);
  t.equal(await code('-e', 'A=b', 'plain', '/etc/passwd'), 126);
  t.equal(await code('-e', 'A=b', 'plain', 'sh', '-c', 'exit 9'), 9);
  t.match((await cluster.bay('exec', '-u', 'me', 'pod/plain', 'id')).stderr, /a Pod knows none/);
  await bay('create', '--name', 'at-rest', image, 'true');
  for (const flags of [[], ['-u', 'me']]) {
    const stopped = await cluster.bay('exec', ...flags, 'at-rest', 'id');
    t.match(stopped, { code: 1, stderr: /^bay: .*at-rest is not running/ });
    const missing = await cluster.bay('exec', ...flags, 'no-such', 'id');
    t.match(missing, { code: 1, stderr: /^bay: No such container: no-such\n/ });
    const pod = await cluster.bay('exec', ...flags, 'pod/no-such', 'id');
    t.match(pod, { code: 1, stderr: /pods "no-such" not found/ });
  }
  await powers(t, { cluster, bay });
  await detached(t, { cluster, bay });
  await bay('rm', '-f', 'plain', 'at-rest');
}

async function powers(t: Test, { cluster, bay }: Asked): Promise<void> {
  const look = ['sh', '-c', 'grep CapEff /proc/self/status'];
  const usual = await bay('exec', 'plain', ...look);
  const all = await bay('exec', '--privileged', 'plain', ...look);
  const bits = (line: string) => BigInt(`0x${line.split(/\s+/)[1]}`);
  t.ok(bits(all) > bits(usual) && (bits(all) & bits(usual)) === bits(usual), `${usual} ${all}`);
  t.equal(await bay('exec', 'plain', ...look), usual);
  const level = 'pod-security.kubernetes.io/enforce';
  await cluster.kubectl('label', 'namespace', 'default', `${level}=baseline`);
  const refused = await cluster.bay('exec', '--privileged', 'plain', ...look);
  t.equal(refused.code, 1);
  t.match(refused.stderr, /privileged is forbidden, namespace default enforces .* baseline/);
  await cluster.kubectl('label', 'namespace', 'default', `${level}-`);
}

/** Nobody waits for it, and it lives on over the death of the agent. */
async function detached(t: Test, { cluster, bay }: Asked): Promise<void> {
  const line = 'echo lost; echo lost >&2; until [ -e /end ]; do sleep 0.05; done; echo $A >/done';
  t.equal(await bay('exec', '-d', '-e', 'A=b', 'plain', 'sh', '-c', line), '');
  const before = cluster.state()?.parts['agent'] ?? 0;
  process.kill(before, 'SIGKILL');
  await waitFor('another agent', async () =>
    (cluster.state()?.parts['agent'] ?? before) === before ? undefined : true,
  );
  await waitFor('its API', async () =>
    (await cluster.bay('exec', 'plain', 'touch', '/end')).code === 0 ? true : undefined,
  );
  await waitFor('the end of what was detached', async () =>
    (await cluster.bay('exec', 'plain', 'cat', '/done')).stdout === 'b\n' ? true : undefined,
  );
  t.equal((await cluster.bay('exec', '-d', 'plain', 'no-such-program')).code, 127);
}
