/**
 * Payloads of every kind: a database, an application with its server, a Java program. Their images are made of Debian
 * packages (docs/examples/payloads).
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { TestCluster, waitFor } from '../support/cluster.ts';
import { leftOver, machine } from '../support/machine.ts';

const payloads = resolve(import.meta.dirname, '../../docs/examples/payloads');
const directory = mkdtempSync(join(tmpdir(), 'bayplan-test-payloads-'));
const exec = promisify(execFile);
t.setTimeout(600_000);
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

/** By a connection of its own, which may lead to another pod each time. */
const ask = (url: string): Promise<string> =>
  fetch(url, { headers: { connection: 'close' } }).then((answer) => answer.text());

/** Why the images cannot be made here, if so. */
async function missing(): Promise<string | undefined> {
  const wanted = ['postgresql-15', 'php8.2-fpm', 'openjdk-17-jre-headless'];
  try {
    await exec('apt-get', ['-q', 'download', '--print-uris', ...wanted], { cwd: directory });
    return;
  } catch {
    return `the packages ${wanted.join(', ')} cannot be had here`;
  }
}

async function makeImage(of: string): Promise<string> {
  const file = join(directory, `${of}.tar`);
  const script = join(payloads, 'debian-image.mjs');
  const { stdout } = await exec(process.execPath, [script, join(payloads, of), file]);
  t.match(stdout, new RegExp(`^bay import --change '.* ${file} bayplan.local/${of}:`));
  return file;
}

const reason = await missing();
const before = machine();

t.test('payloads', { skip: reason ?? false, timeout: 500_000 }, async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const good = async (run: 'bay' | 'kubectl', ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster[run](...args);
    t.equal(code, 0, `${run} ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  /** Makes its image, imports it and applies its document. */
  const apply = async (of: string): Promise<void> => {
    const { name, changes } = JSON.parse(readFileSync(join(payloads, of, 'image.json'), 'utf8'));
    const options = changes.flatMap((change: string) => ['--change', change]);
    const file = await makeImage(of);
    await good('bay', 'import', ...options, file, name);
    rmSync(file);
    await good('kubectl', 'apply', '-f', join(payloads, of, `${of}.yaml`));
  };

  await t.test('a database keeps its data when its pod is made anew', async (t) => {
    const sql = (text: string): Promise<string> =>
      good('kubectl', 'exec', 'postgres-0', '-c', 'postgres', '--', ...psql, text);
    const psql = ['psql', '-h', '/tmp', '-U', 'postgres', '-At', '-c'];
    const ready = () => good('kubectl', 'rollout', 'status', 'sts/postgres', '--timeout=120s');
    await apply('postgres');
    await ready();
    const password = ['env', 'PGPASSWORD=change-me'];
    psql.unshift(...password);
    await sql('create table cargo (name text); insert into cargo values ($$tea$$), ($$salt$$)');
    const uid = await good('kubectl', 'get', 'pod', 'postgres-0', '-o', 'jsonpath={.metadata.uid}');
    await good('kubectl', 'delete', 'pod', 'postgres-0');
    await waitFor('another pod', async () => {
      const of = [
        'get',
        'pod',
        'postgres-0',
        '-o',
        'jsonpath={.metadata.uid}',
        '--ignore-not-found',
      ];
      const { stdout } = await cluster.kubectl(...of);
      return stdout !== '' && stdout !== uid ? true : undefined;
    });
    await ready();
    t.equal(await sql('select string_agg(name, $$ $$) from cargo'), 'tea salt\n');
    await good('kubectl', 'delete', '-f', join(payloads, 'postgres/postgres.yaml'));
  });

  await t.test('an application answers through its Service, from each of its pods', async (t) => {
    await apply('php');
    await good('kubectl', 'rollout', 'status', 'deployment/php', '--timeout=120s');
    const of = ['get', 'service', 'php', '-o', 'jsonpath={.spec.clusterIP}'];
    const address = await good('kubectl', ...of);
    const hosts = new Set<string>();
    await waitFor('an answer of each pod', async () => {
      const answer = await ask(`http://${address}/cargo?of=tea`);
      t.match(answer, /^PHP 8 on php-\S+, asked for \/cargo\?of=tea\n$/);
      hosts.add(answer);
      return hosts.size === 2 ? true : undefined;
    });
    await good('kubectl', 'delete', '-f', join(payloads, 'php/php.yaml'));
  });

  await t.test('a Java program ends as a Job, each pod with its part', async (t) => {
    await apply('java');
    await good('kubectl', 'wait', '--for=condition=complete', 'job/java', '--timeout=180s');
    const said = await good('kubectl', 'logs', '-l', 'job-name=java', '-c', 'java');
    t.strictSame(said.trim().split('\n').sort(), [
      '127 primes from 2000 to 2999',
      '135 primes from 1000 to 1999',
      '168 primes from 0 to 999',
    ]);
    await good('kubectl', 'delete', '-f', join(payloads, 'java/java.yaml'));
  });
  t.equal(await cluster.interrupt(), 0, cluster.output);
});

t.test('afterwards the machine is as it was', async (t) => {
  t.strictSame(await leftOver(before), {});
});
