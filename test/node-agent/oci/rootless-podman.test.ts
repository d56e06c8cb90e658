/** podman of an ordinary user, with this as its runtime: its containers are in the user namespace that podman makes. */

import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { givesNamespaces, uid, userRig } from './rootless.ts';

needsRoot();
const isHere = (name: string) => spawnSync(name, [], { stdio: 'ignore' }).error === undefined;
if (!['podman', 'newuidmap', 'newgidmap'].every(isHere) || !givesNamespaces()) {
  t.pass('skipped', { skip: 'needs podman, newuidmap, and user namespaces for users' });
  process.exit();
}

const rig = userRig(scratch('oci-rootless-podman')());
/** Short: podman waits for ever where the paths of its sockets are longer than sockets' may be. */
const home = mkdtempSync('/tmp/bay-');
t.teardown(() => rmSync(home, { recursive: true, force: true }));
const bay = new URL('../../../bay', import.meta.url).pathname;

/** What podman finds of the user; his own are removed with the directory. */
function prepare(): void {
  for (const path of [`${home}/session`, `${home}/etc`]) mkdirSync(path);
  const write = (name: string, text: string) => writeFileSync(`${home}/etc/${name}`, text);
  write('passwd', `root:x:0:0::/root:/bin/sh\nmapper:x:${uid}:${uid}::${home}:/bin/sh\n`);
  write('group', `root:x:0:\nmapper:x:${uid}:\n`);
  for (const name of ['subuid', 'subgid']) write(name, 'mapper:300000:65536\n');
  writeFileSync(`${home}/bay-oci`, `#!/bin/sh\nexec ${bay} oci "$@"\n`);
  chmodSync(`${home}/bay-oci`, 0o755);
  for (const path of [home, `${home}/session`]) chownSync(path, uid, uid);
}

const asRoot = (script: string) => `
  for name in passwd group subuid subgid; do
    touch /etc/$name && mount --bind ${home}/etc/$name /etc/$name
  done
  tar -C ${rig.rootfs} -cf ${home}/root.tar . && chown ${uid} ${home}/root.tar
  cd ${home} && exec setpriv --reuid ${uid} --regid ${uid} --clear-groups \\
    --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search sh -c '${script}'`;

const podman = `podman --storage-driver vfs --cgroup-manager cgroupfs --events-backend file \\
  --runtime ${home}/bay-oci`;

/** All that podman leaves behind ends with the process namespace. */
function asUser(script: string): { readonly stdout: string; readonly stderr: string } {
  const alone = ['-m', '-p', '-f', '--kill-child', '--mount-proc', '--propagation', 'private'];
  const env = { PATH: process.env['PATH'], HOME: home, XDG_RUNTIME_DIR: `${home}/session` };
  return spawnSync('unshare', [...alone, 'sh', '-c', asRoot(script)], { encoding: 'utf8', env });
}

t.test('run, exec, top, kill and rm of a user’s podman', async (t) => {
  // Its commands take a second each where others work, too.
  t.setTimeout(180_000);
  prepare();
  const { stdout, stderr } = asUser(`
    p="${podman}"
    none="--network none"
    $p import -q root.tar own > /dev/null || exit
    echo "run: $($p run --rm $none own sh -c "id -u; cat /proc/self/uid_map" | tr -s " \\n" " ")"
    echo "user: $($p run --rm $none -u 33:44 own id -G)"
    echo "keep: $($p run --rm $none --userns keep-id own id -u)"
    echo "volume: $($p run --rm $none -v ${home}/etc:/mnt:ro own sh -c "ls /mnt; touch /mnt/x" 2>&1 | tr "\\n" " ")"
    echo "tty: $($p run --rm $none -t own tty | tr -d "\\r")"
    $p run --rm $none own sh -c "exit 9"; echo "code: $?"
    $p run -d --name one $none own sleep 1000 > /dev/null
    echo "exec: $($p exec -e A=b one sh -c "echo \\$A; id -u" | tr "\\n" " ")"
    echo "top: $($p top one pid args | tail -1 | tr -s " ")"
    $p kill one > /dev/null; echo "wait: $($p wait one)"
    $p rm -f one > /dev/null; echo "left: $($p ps -aq)"`);
  t.strictSame(
    stdout.trim().split('\n'),
    [
      `run: 0 0 ${uid} 1 1 300000 65536 `,
      'user: 44',
      `keep: ${uid}`,
      'volume: group passwd subgid subuid touch: /mnt/x: Read-only file system ',
      'tty: /dev/pts/0',
      'code: 9',
      'exec: b 0 ',
      'top: 1 sleep 1000 ',
      'wait: 137',
      'left:',
    ],
    stderr,
  );
});
