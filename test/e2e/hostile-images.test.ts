/** Images made to reach the node: by their configuration, by programs that a careless tool would run, by links that change. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { TestCluster } from '../support/cluster.ts';
import { dockerArchive } from '../support/image-archives.ts';
import { tar } from '../support/tar-builder.ts';

const base = 'bayplan.local/busybox:latest';
t.setTimeout(240_000);

/** What a user of the machine who is nobody in particular comes by below `path`. */
function* reachable(path: string): Generator<{ path: string; mode: number }> {
  const { mode } = lstatSync(path);
  yield { path, mode };
  if ((mode & 0o170000) !== 0o040000 || (mode & 0o001) === 0) return;
  for (const name of readdirSync(path)) yield* reachable(join(path, name));
}

t.test('hostile images', async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const scratch = mkdtempSync(join(tmpdir(), 'bay-hostile-'));
  t.teardown(() => rmSync(scratch, { recursive: true, force: true }));
  const here = (name: string) => join(scratch, name);
  const bay = async (...args: string[]) => {
    const { code, stdout, stderr } = await cluster.bay(...args);
    t.equal(code, 0, `bay ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  await bay('run', '-d', '--name', 'source', base, 'sleep', '9999');
  await bay('export', '-o', here('root.tar'), 'source');
  await bay('rm', '-f', 'source');
  let count = 0;
  /** An image of the root file system with these instructions. */
  const imageWith = async (...changes: string[]) => {
    const name = `evil:${count++}`;
    await bay('import', ...changes.flatMap((change) => ['-c', change]), here('root.tar'), name);
    return name;
  };

  await t.test('users that are no numbers, or too large ones (CVE-2024-40635)', async (t) => {
    const wrong = ['4294967296', '2147483648', '-1', '1e9', '0x0', ':-1', '0:4294967296', 'ghost'];
    for (const user of wrong) {
      const { code, stdout, stderr } = await cluster.bay(
        ...['run', '--rm', await imageWith(`USER ${user}`), 'id', '-u'],
      );
      t.equal(code, 125, `${user}: ${stdout}${stderr}`);
      t.match(stderr, /look up the user/);
    }
    for (const user of ['4294967296', '-1', '1e9', '1:-1', 'ghost']) {
      const { code, stdout, stderr } = await cluster.bay(
        'run',
        '--rm',
        `--user=${user}`,
        base,
        'id',
      );
      t.equal(code, 125, `--user ${user}: ${stdout}${stderr}`);
      t.match(stderr, /look up the user|runAsUser|must be between/);
    }
  });

  await t.test(
    'volumes and working directories that lead elsewhere (CVE-2022-23648)',
    async (t) => {
      const victim = here('victim');
      mkdirSync(victim);
      writeFileSync(join(victim, 'file'), 'of the node');
      const up = '../'.repeat(20);
      for (const path of [`/${up}${victim}`, 'relative', `/v/${up}etc`]) {
        const wrong = ['-c', `VOLUME ["${path}"]`, here('root.tar'), 'evil:none'];
        const { code, stderr } = await cluster.bay('import', ...wrong);
        t.equal(code, 1);
        t.match(stderr, /is not an absolute path without '\.\.'/);
      }
      const image = await imageWith('VOLUME ["/proc/self/fd/7", "/proc/1/cwd/x", "/"]');
      const look = `cat ${victim}/file; ls /`;
      const { stdout } = await cluster.bay('run', '--rm', image, 'sh', '-c', look);
      t.notMatch(stdout, /of the node/);
      t.strictSame(readdirSync(victim), ['file']);
      for (const cwd of ['/proc/self/fd/7', '/proc/1/cwd', `/${up}${victim}`]) {
        const look = await cluster.bay('run', '--rm', await imageWith(`WORKDIR ${cwd}`), 'ls');
        t.notMatch(look.stdout, /file|container\.json|data/, cwd);
      }
    },
  );

  await t.test('volumes of an image that nobody looked at before (CVE-2022-23648)', async (t) => {
    const secret = here('secret');
    mkdirSync(secret);
    writeFileSync(join(secret, 'file'), 'of the node');
    const up = '../'.repeat(20);
    const paths = [
      `/${up}${secret}`,
      `${up}etc/../${secret}/.`,
      '/v/../..',
      '',
      '/proc',
      '/dev/shm/x',
    ];
    const Volumes = Object.fromEntries(paths.map((path) => [path, {}]));
    const config = { Volumes, Env: ['A=1', 'no-equals-sign'], WorkingDir: `/${up}` };
    const layers = [readFileSync(here('root.tar'))];
    const archive = tar(dockerArchive([{ layers, config, tags: ['evil:volumes'] }]));
    writeFileSync(here('volumes.tar'), archive);
    await bay('load', '-i', here('volumes.tar'));
    const look = `ls -a ${secret}; cat ${secret}/file 2>/dev/null; pwd`;
    const { stdout, stderr } = await cluster.bay('run', '--rm', 'evil:volumes', 'sh', '-c', look);
    t.notMatch(stdout + stderr, /of the node/);
    // Either it is not run, or what is there is the container's own and empty.
    t.match(stdout, /^(\.\n\.\.\n\/\n)?$/, stderr);
    t.strictSame(readdirSync(secret), ['file']);
    t.equal(readFileSync(join(secret, 'file'), 'utf8'), 'of the node');
  });

  await t.test('labels with the node’s own names mean nothing (CVE-2026-53488)', async (t) => {
    const image = await imageWith(
      'LABEL io.kubernetes.pod.uid=other bayplan.dev/attempt=99 bayplan.dev/stop-signal=SIGCONT',
      'LABEL bayplan.dev/settings={"devices":[{"source":"/dev/kmsg","path":"/dev/mine"}]}',
    );
    await bay(
      'run',
      '-d',
      '--name',
      'labelled',
      image,
      'sh',
      '-c',
      'trap "exit 3" TERM; while :; do sleep 0.1; done',
    );
    t.equal((await cluster.bay('exec', 'labelled', 'test', '-e', '/dev/mine')).code, 1);
    await bay('stop', 'labelled');
    const [{ status }] = JSON.parse(await bay('inspect', 'labelled'));
    t.match(status, { restartCount: 0, exitCode: 3, phase: 'exited' });
    await bay('rm', 'labelled');
  });

  await t.test('programs in the image are not the node’s tools (CVE-2019-14271)', async (t) => {
    const evil = here('evil');
    const script = '#!/bin/sh\ntouch /pwned\nexit 0\n';
    const names = ['tar', 'xz', 'gzip', 'gunzip', 'zstd', 'unpigz', 'ldconfig', 'newuidmap'];
    for (const folder of ['usr/bin', 'sbin', 'usr/local/bin']) {
      mkdirSync(join(evil, folder), { recursive: true });
      for (const name of names) {
        writeFileSync(join(evil, folder, name), script);
        chmodSync(join(evil, folder, name), 0o755);
      }
    }
    mkdirSync(join(evil, 'lib'));
    for (const name of ['libnss_files.so.2', 'libc.so.6']) {
      writeFileSync(join(evil, 'lib', name), 'no library');
    }
    await bay('run', '-d', '--name', 'trap', base, 'sleep', '9999');
    await bay('cp', `${evil}/.`, 'trap:/');
    t.match(await bay('diff', 'trap'), /^A \/usr\/local\/bin\/xz$/m);
    await bay('commit', 'trap', 'trap:1');
    await bay('run', '-d', '--name', 'trapped', 'trap:1', 'sleep', '9999');
    writeFileSync(here('in'), 'in');
    await bay('cp', here('in'), 'trapped:/tmp/');
    await bay('cp', 'trapped:/etc', here('etc'));
    await bay('commit', 'trapped', 'trap:2');
    await bay('save', '-o', here('saved.tar'), 'trap:2');
    execFileSync('gzip', ['-k', here('saved.tar')]);
    await bay('load', '-i', here('saved.tar.gz'));
    await bay('export', '-o', here('out.tar'), 'trapped');
    t.notMatch(await bay('diff', 'trapped'), /pwned/);
    t.equal(existsSync('/pwned'), false);
    await bay('rm', '-f', 'trap', 'trapped');
  });

  await t.test(
    'cp while the container exchanges directory and link (CVE-2018-15664)',
    async (t) => {
      const victim = here('cp-victim');
      mkdirSync(victim);
      writeFileSync(join(victim, 'file'), 'of the node');
      const race = `mkdir /a /c; echo inside >/a/file; ln -s ${victim} /c/l; while :; do mv /a /b; mv /c/l /a; mv /a /c/l; mv /b /a; sleep 0.01; done`;
      await bay('run', '-d', '--name', 'racer', base, 'sh', '-c', race);
      writeFileSync(here('written'), 'from outside');
      let copied = 0;
      for (let round = 0; round < 12; round++) {
        const out = here(`out-${round}`);
        const read = await cluster.bay('cp', 'racer:/a/file', out);
        if (read.code !== 0) t.match(read.stderr, /Could not find|no such|not a directory/i);
        if (read.code === 0) {
          copied += 1;
          t.equal(readFileSync(out, 'utf8'), 'inside\n');
        }
        await cluster.bay('cp', here('written'), 'racer:/a/written');
        t.strictSame(readdirSync(victim), ['file']);
      }
      t.ok(copied > 0, 'some were copied');
      t.equal(readFileSync(join(victim, 'file'), 'utf8'), 'of the node');
      await bay('rm', '-f', 'racer');
    },
  );

  await t.test(
    'other users of the machine reach no program of an image (CVE-2021-41091)',
    async (t) => {
      const script =
        'cp /bin/busybox /su; chmod 4755 /su; echo x >/open; chmod 666 /open; sleep 9999';
      await bay('run', '-d', '--name', 'suid', base, 'sh', '-c', script);
      await cluster.bay('exec', 'suid', 'sh', '-c', 'until [ -e /open ]; do sleep 0.05; done');
      const below = (directory: string) =>
        readdirSync(directory).flatMap((name) => [...reachable(join(directory, name))]);
      // The directories given are the caller's; what is in them must be closed by itself.
      const all = [...below(cluster.dataDir), ...below(cluster.runDir)];
      t.ok(all.length > 3);
      t.strictSame(
        all
          .filter(({ mode }) => (mode & 0o6000) !== 0 && (mode & 0o170000) === 0o100000)
          .map(({ path }) => path),
        [],
        'nothing that gives another user’s power',
      );
      t.strictSame(
        all
          .filter(({ mode }) => (mode & 0o002) !== 0 && (mode & 0o170000) !== 0o120000)
          .map(({ path }) => path),
        [],
        'nothing to write to',
      );
      await bay('rm', '-f', 'suid');
    },
  );
});
