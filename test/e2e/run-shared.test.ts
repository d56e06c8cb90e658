/** Containers that share another's namespaces, published ports, memory that runs out and health checks, by `bay run` and seen from inside. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import t from 'tap';
import { TestCluster, waitFor } from '../support/cluster.ts';

const image = 'bayplan.local/busybox:latest';
t.setTimeout(300_000);

/** A port that nobody uses now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Asks until it is so. */
const eventually = (what: string, isSo: () => Promise<boolean>, deadlineMs?: number) =>
  waitFor(what, async () => ((await isSo()) ? true : undefined), deadlineMs);

t.test('namespaces of another container, and health', async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const bay = (...words: string[]) => cluster.bay(...words);
  const inspect = async (name: string) => JSON.parse((await bay('inspect', name)).stdout)[0];
  const look = 'for kind in net ipc pid uts; do readlink /proc/self/ns/$kind; done';

  await t.test('network, ipc and pid are the other’s, uts is not', async (t) => {
    const script = 'echo shared >/dev/shm/note; nc -ll -p 7777 -e echo hello & exec sleep 1000';
    const made = await bay(
      'run',
      '-d',
      '--name',
      'Db',
      '--hostname',
      'data',
      image,
      'sh',
      '-c',
      script,
    );
    t.equal(made.code, 0, made.stderr);
    const theirs = (await bay('exec', 'Db', 'sh', '-c', look)).stdout.split('\n');
    const id = made.stdout.trim().slice(0, 12);
    const flags = [
      '--network',
      'container:Db',
      '--ipc',
      `container:${id}`,
      '--pid',
      'container:Db',
    ];
    const all = `${look}; hostname; cat /dev/shm/note; grep data /etc/hosts; ps -o args | grep -c '[s]leep 1000'; echo | nc -w 5 127.0.0.1 7777`;
    const { stdout, stderr } = await bay('run', '--rm', ...flags, image, 'sh', '-c', all);
    const [net, ipc, pid, uts, hostname, note, hosts, sleeps, answer] = stdout.split('\n');
    t.strictSame([net, ipc, pid], theirs.slice(0, 3), stderr);
    t.not(uts, theirs[3]);
    t.strictSame([hostname, note, sleeps, answer], ['data', 'shared', '1', 'hello']);
    t.match(hosts, /^\d+\.\d+\.\d+\.\d+\tdata$/);
  });

  await t.test(
    'only what is asked for; and of one that has none of its own, loopback',
    async (t) => {
      const none = ['run', '-d', '--name', 'alone', '--network', 'none', image, 'sleep', '1000'];
      t.equal((await bay(...none)).code, 0);
      const theirs = (await bay('exec', 'alone', 'sh', '-c', look)).stdout.split('\n');
      const flags = ['--rm', '--network', 'container:alone'];
      const { stdout, stderr } = await bay('run', ...flags, image, 'sh', '-c', look);
      const ours = stdout.split('\n');
      t.equal(ours[0], theirs[0], stderr);
      t.not(ours[1], theirs[1]);
      t.not(ours[2], theirs[2]);
    },
  );

  await t.test('who shares processes ends with whose they are, and both run again', async (t) => {
    const shares = ['--pid', 'container:Db', '--restart', 'always'];
    t.equal(
      (await bay('run', '-d', '--name', 'watcher', ...shares, image, 'sleep', '1000')).code,
      0,
    );
    const before = (await bay('exec', 'Db', 'readlink', '/proc/self/ns/pid')).stdout;
    t.equal((await bay('restart', '-t', '0', 'Db')).code, 0);
    const inside = () => bay('exec', 'watcher', 'readlink', '/proc/self/ns/pid');
    const joined = async () => {
      const theirs = (await bay('exec', 'Db', 'readlink', '/proc/self/ns/pid')).stdout;
      return theirs !== '' && theirs !== before && (await inside()).stdout === theirs;
    };
    // Who comes back before the other is there waits for its next restart: 10 s, then 20.
    await eventually('the watcher is in the new namespace', joined, 90_000);
  });

  await t.test('what cannot be shared is told at once', async (t) => {
    await bay('create', '--name', 'still', image, 'true');
    const wrong: [string[], RegExp][] = [
      [['--network', 'container:nobody'], /No such container: nobody/],
      [['--pid', 'container:still'], /cannot join pid of a non running container: still/],
      [['--network', 'container:'], /write container:NAME/],
      [['--network', 'container:Db', '-p', '80'], /conflicting options: port publishing/],
      [['--network', 'container:Db', '--hostname', 'h'], /conflicting options: hostname/],
      [['--network', 'container:Db', '--dns', '1.1.1.1'], /conflicting options: dns/],
      [['--network', 'container:Db', '--sysctl', 'net.core.somaxconn=9'], /net.core.somaxconn/],
    ];
    for (const [flags, message] of wrong) {
      const { code, stderr } = await bay('run', '--rm', ...flags, image, 'true');
      t.ok([1, 2, 125].includes(code), `${flags.join(' ')}: ${code}`);
      t.match(stderr, message);
    }
  });

  await t.test('--publish: the port answers on the node while the container runs', async (t) => {
    const port = await freePort();
    const serve = 'mkdir /w; echo published >/w/index.html; exec httpd -f -p 80 -h /w';
    const flags = ['-d', '--name', 'web', '-p', `${port}:80`];
    const made = await bay('run', ...flags, image, 'sh', '-c', serve);
    t.equal(made.code, 0, made.stderr);
    const page = async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/`, {
        headers: { connection: 'close' },
        signal: AbortSignal.timeout(2_000),
      }).catch(() => undefined);
      return answer?.text().catch(() => undefined);
    };
    await eventually('the page', async () => (await page()) === 'published\n');
    t.match((await bay('port', 'web')).stdout, `80/tcp -> 0.0.0.0:${port}\n`);
    t.equal((await bay('rm', '-f', 'web')).code, 0);
    await eventually('nobody answers any more', async () => (await page()) === undefined);
  });

  await t.test(
    'what is killed for its memory is an event, and the container goes on',
    async (t) => {
      const made = await bay('run', '-d', '--name', 'small', '-m', '16m', image, 'sleep', '1000');
      t.equal(made.code, 0, made.stderr);
      // The kernel looks again while the greedy one is still going: everybody of its own comes first.
      const greedy =
        'echo 1000 > /proc/self/oom_score_adj; x=$(head -c 100m /dev/zero | tr "\\0" x); echo $x';
      t.equal((await bay('exec', 'small', 'sh', '-c', greedy)).code, 137);
      let events = '';
      await eventually('the event', async () => {
        events = (await bay('get', 'events')).stdout;
        return events.includes('OOMKilling');
      });
      t.match(events, /OOMKilling +pod\/small +Out of memory: .*limit 16\.0 MiB/);
      t.equal((await inspect('small')).status.phase, 'running');
    },
  );

  await t.test('--health-…: from starting to healthy to unhealthy', async (t) => {
    const flags = ['--health-interval', '1s', '--health-timeout', '5s', '--health-retries', '1'];
    const command = ['--health-cmd', 'echo asked; test -e /well'];
    const made = await bay(
      'run',
      '-d',
      '--name',
      'sick',
      ...flags,
      ...command,
      image,
      'sleep',
      '1000',
    );
    t.equal(made.code, 0, made.stderr);
    const health = async () => (await inspect('sick')).status.health;
    t.ok(['starting', 'unhealthy'].includes(await health()));
    await bay('exec', 'sick', 'touch', '/well');
    await eventually('healthy', async () => (await health()) === 'healthy');
    await bay('exec', 'sick', 'rm', '/well');
    await eventually('unhealthy', async () => (await health()) === 'unhealthy');
    const told = async () => (await inspect('sick')).State.Health;
    await eventually('five results', async () => (await told()).Log.length === 5);
    const sick = await told();
    t.ok(sick.FailingStreak > 0);
    t.match(sick.Log.at(-1), { ExitCode: 1, Output: 'asked\n', Start: /^20/, End: /^20/ });
    await bay('stop', '-t', '0', 'sick');
    const rest = await told();
    t.equal(rest.Status, 'unhealthy');
    t.equal(rest.Log.length, 5, 'what was said outlives the stop');
    await bay('start', 'sick');
    await eventually(
      'asked again',
      async () => (await told()).Log.at(-1).Start > rest.Log[4].Start,
    );
    const without = ['--no-healthcheck', image, 'sleep', '1000'];
    t.equal((await bay('run', '-d', '--name', 'unasked', ...without)).code, 0);
    t.equal((await inspect('unasked')).status.health, undefined);
  });
});
