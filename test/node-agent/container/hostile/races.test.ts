/** Races of one container against another's start: what is checked is what is used (practice of past CVEs). */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { buildDir } from '#native/load.ts';
import type { ContainerSpec } from '#node-agent/container/runtime.ts';
import {
  containerSpec,
  exited,
  logText,
  run,
  sandboxSpec,
  startNode,
  stopNode,
  traces,
  until,
} from '../node.ts';
import { buildRacer, swapsOf, whileRacing } from './racer.ts';

const rounds = Number(process.env['ROUNDS'] ?? 15);
const node = await startNode('races');
t.teardown(() => stopNode(node));
const program = buildRacer(node);
/** A directory of the host that no container is given. */
const victim = `${node.directory}/victim`;
mkdirSync(victim);
writeFileSync(`${victim}/file`, 'of the host');
const up = '../'.repeat(20);

/** Mount points of the host at or below what the containers of this test could be led to: others come and go meanwhile. */
const hostMounts = (): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(node.directory) || point.endsWith('/deep'));
function untouched(t: Test): void {
  t.strictSame(readdirSync(victim), ['file'], 'nothing was made on the host');
  t.equal(readFileSync(`${victim}/file`, 'utf8'), 'of the host');
}

let count = 0;
const place = (): string => {
  const path = `${node.directory}/shared-${count++}`;
  mkdirSync(path);
  return path;
};

/** What each start of the raced container printed; a start that was refused is `undefined`. */
async function starts(script: string, change: Partial<ContainerSpec>) {
  const texts: (string | undefined)[] = [];
  for (let round = 0; round < rounds; round++) {
    texts.push(
      await run(node, script, change).then(
        ({ text }) => text,
        (error: Error) => {
          if (error.name !== 'StartError') throw error;
          return undefined;
        },
      ),
    );
  }
  return texts;
}

const mountPoints = "awk '{print $5}' /proc/self/mountinfo";

t.test('the target of a mount (CVE-2021-30465, CVE-2024-45310)', async (t) => {
  const shared = place();
  mkdirSync(`${shared}/a`);
  symlinkSync(`${up}${victim}`, `${shared}/b`);
  const volume = { type: 'bind', source: shared, target: '/vol', readonly: false } as const;
  const inner = { type: 'tmpfs', target: '/vol/a/deep', readonly: false } as const;
  const before = hostMounts();
  const race = { program, args: ['swap', '/shared/a', '/shared/b'], shared };
  const said = await whileRacing(node, race, async () => {
    const texts = await starts(mountPoints, { mounts: [volume, inner] });
    for (const text of texts.filter((one) => one !== undefined)) {
      const [point] = text.split('\n').filter((path) => path.endsWith('/deep'));
      t.ok(
        ['/vol/a/deep', '/vol/b/deep', `${victim}/deep`].includes(point ?? ''),
        `inside the container: ${point}`,
      );
    }
  });
  t.ok(swapsOf(said) > 200, said);
  t.strictSame(hostMounts(), before);
  untouched(t);
});

t.test('the source of a mount below a volume (CVE-2017-1002101, CVE-2021-25741)', async (t) => {
  const shared = place();
  mkdirSync(`${shared}/a`);
  writeFileSync(`${shared}/a/file`, 'of the volume');
  symlinkSync(victim, `${shared}/b`);
  const mounts = [
    { type: 'bind', root: shared, source: 'a', target: '/sub', readonly: false },
  ] as const;
  const race = { program, args: ['swap', '/shared/a', '/shared/b'], shared };
  const said = await whileRacing(node, race, async () => {
    for (const text of await starts('cat /sub/file', { mounts })) {
      t.notMatch(text ?? '', /of the host/);
    }
  });
  t.ok(swapsOf(said) > 200, said);
  untouched(t);
});

t.test('masked and read-only paths beside a /proc that changes (CVE-2025-31133)', async (t) => {
  const shared = place();
  writeFileSync(`${shared}/null`, 'no device');
  symlinkSync('/proc/sys/kernel/hostname', `${shared}/other`);
  // Its /dev/null is a file that another container swaps: what masks must not come from there.
  const dev = { type: 'bind', source: `${shared}`, target: '/dev', readonly: false } as const;
  const race = { program, args: ['swap', '/shared/null', '/shared/other'], shared };
  const look =
    'cat /proc/keys /proc/timer_list 2>&- | wc -c; (echo evil >/proc/sys/kernel/hostname) 2>&-; cat /proc/sys/kernel/hostname';
  const said = await whileRacing(node, race, async () => {
    const texts = (await starts(look, { mounts: [dev] })).filter((one) => one !== undefined);
    t.ok(texts.length > 0, 'some were started');
    for (const text of texts) t.equal(text, '0\ntest-host\n');
  });
  t.ok(swapsOf(said) > 200, said);
});

t.test('the console, with a /dev of another container (CVE-2025-52565)', async (t) => {
  const shared = place();
  writeFileSync(`${shared}/console`, '');
  symlinkSync(`${up}${victim}/file`, `${shared}/other`);
  const dev = { type: 'bind', source: shared, target: '/dev', readonly: false } as const;
  const race = { program, args: ['swap', '/shared/console', '/shared/other'], shared };
  const look =
    'awk \'$(NF-2)=="devpts" && $4!="/" {print "at", $5}\' /proc/self/mountinfo; [ -t 0 ] && echo terminal';
  const before = hostMounts();
  const said = await whileRacing(node, race, async () => {
    const texts = await starts(look, { mounts: [dev], tty: true });
    for (const text of texts.filter((one) => one !== undefined)) {
      const [at, terminal] = text.split(/\r?\n/);
      t.ok(
        ['at /dev/console', 'at /dev/other', `at ${victim}/file`].includes(at ?? ''),
        `inside the container: ${at}`,
      );
      t.equal(terminal, 'terminal');
    }
  });
  t.ok(swapsOf(said) > 200, said);
  t.strictSame(hostMounts(), before);
  untouched(t);
});

t.test('the image’s /dev, a directory and a link (CVE-2026-41579)', async (t) => {
  const image = place();
  mkdirSync(`${image}/dev`);
  symlinkSync(`${up}${victim}`, `${image}/link`);
  const race = { program, args: ['swap', '/shared/dev', '/shared/link'], shared: image };
  const said = await whileRacing(node, race, async () => {
    const texts = await starts(mountPoints, { layers: [node.layer, image] });
    for (const text of texts.filter((one) => one !== undefined)) {
      t.ok(text.split('\n').includes('/dev/pts'), text);
    }
  });
  t.ok(swapsOf(said) > 200, said);
  untouched(t);
});

t.test('sysctls and labels beside a /proc that is a volume (CVE-2025-52881)', async (t) => {
  const shared = place();
  mkdirSync(`${shared}/sys/kernel`, { recursive: true });
  for (const name of ['shmmax', 'other']) writeFileSync(`${shared}/sys/kernel/${name}`, 'fake');
  const volume = { type: 'bind', source: shared, target: '/proc', readonly: false } as const;
  const race = {
    program,
    args: ['swap', '/shared/sys/kernel/shmmax', '/shared/sys/kernel/other'],
    shared,
  };
  const sandbox = sandboxSpec(node, { sysctls: { 'kernel.shmmax': '4096' } });
  await node.runtime.createSandbox(sandbox);
  const inSandbox = async (script: string, change: Partial<ContainerSpec> = {}) => {
    const spec = containerSpec(node, sandbox.id, { args: ['sh', '-c', script], ...change });
    await node.runtime.start(spec);
    await exited(node, spec.id);
    await node.runtime.remove(spec.id);
    await node.runtime.removeLayer(spec.layerDir);
    return logText(spec.logPath);
  };
  const said = await whileRacing(node, race, async () => {
    for (let round = 0; round < rounds; round++) {
      await inSandbox('true', { mounts: [volume], oomScoreAdj: 5 }).catch((error: Error) => {
        if (error.name !== 'StartError') throw error;
      });
    }
  });
  t.ok(swapsOf(said) > 200, said);
  t.equal(await inSandbox('cat /proc/sys/kernel/shmmax'), '4096\n', 'the kernel’s own was set');
  for (const name of ['shmmax', 'other']) {
    t.equal(readFileSync(`${shared}/sys/kernel/${name}`, 'utf8'), 'fake');
  }
  await node.runtime.removeSandbox(sandbox.id);
});

t.test('/proc/*/exe during a storm of execs and starts (CVE-2019-5736)', async (t) => {
  const digest = () =>
    ['supervisor', 'init'].map((name) =>
      createHash('sha256')
        .update(readFileSync(buildDir + name))
        .digest('hex'),
    );
  const before = digest();
  const sandbox = sandboxSpec(node, { sharePid: true });
  await node.runtime.createSandbox(sandbox);
  const target = containerSpec(node, sandbox.id, { args: ['sleep', '1000'], init: true });
  await node.runtime.start(target);
  const shared = place();
  const race = { program, args: ['exe'], shared, sandboxId: sandbox.id, privileged: true };
  const storm = async () => {
    const session = await node.runtime.exec(target.id, {
      args: ['true'],
      tty: false,
      stdin: false,
    });
    t.equal(await session.exitCode, 0);
  };
  const said = await whileRacing(node, race, async (told) => {
    await until('it to hold a program of ours', async () => {
      await Promise.all([storm(), storm(), storm()]);
      return /held .*memfd/.test(told());
    });
    for (let round = 0; round < rounds; round++) await Promise.all([storm(), storm()]);
  });
  t.match(said, /^held .*memfd/m);
  t.notMatch(said, /^(written|cut)/m);
  t.strictSame(digest(), before);
  await storm();
  await node.runtime.removeSandbox(sandbox.id);
  await node.runtime.remove(target.id);
  await node.runtime.removeLayer(target.layerDir);
});

t.test('nothing is left', async (t) => t.strictSame(traces(node), []));
