/** A caller without the host's rights: told what was denied, and what he lacks; nothing is left of what he tried. */

import { chownSync, mkdirSync, readdirSync } from 'node:fs';
import t from 'tap';
import { missingRights, withRights } from '#node-agent/oci/rights.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { namespaces, Rig } from './bundle.ts';

needsRoot();
const rig = new Rig(scratch('oci-rootless')());
mkdirSync(rig.root);
chownSync(rig.root, 1234, 1234);

/** May read everything, so that the checkout may be anywhere, and nothing else. */
const user =
  'setpriv --reuid 1234 --regid 1234 --clear-groups --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search'.split(
    ' ',
  );
const itsOwn = [{ containerID: 0, hostID: 1234, size: 1 }];

t.test('an ordinary user is told what he lacks, and nothing is left', async (t) => {
  const mapped = {
    linux: {
      namespaces: [...namespaces, { type: 'user' }],
      uidMappings: itsOwn,
      gidMappings: itsOwn,
    },
  };
  for (const [index, change] of [{}, mapped].entries())
    for (const command of ['create', 'run']) {
      const words = [command, '-b', rig.bundle(['true'], change), `user${index}`];
      const { code, stderr } = await rig.run(words, { through: user });
      t.equal(code, 1, command);
      t.match(stderr, /^bay oci: .*denied.* \(user 1234 lacks CAP_CHOWN, .*CAP_SYS_ADMIN, /i);
      t.match(stderr, /: run it as root\)\n$/);
      t.notMatch(stderr, /^ +at /m, 'no stack');
      t.strictSame(readdirSync(rig.root), []);
    }
});

t.test('what asks for no rights works, and what is not there is told as ever', async (t) => {
  t.equal(await rig.ok(['list', '-q'], { through: user }), '');
  t.match(await rig.ok(['features'], { through: user }), '"mountOptions"');
  for (const command of ['start', 'state', 'kill', 'delete', 'pause', 'resume', 'ps'])
    t.match(await rig.run([command, 'nobody'], { through: user }), {
      code: 1,
      stderr: /container "nobody" does not exist in [^(]*\n$/,
    });
});

t.test('another’s containers are not his to touch', async (t) => {
  await rig.ok(['run', '-d', '-b', rig.bundle(['sleep', '1000']), 'roots']);
  const attempts = [
    ['kill', 'roots', 'KILL'],
    ['delete', '-f', 'roots'],
    ['pause', 'roots'],
  ];
  for (const words of [...attempts, ['exec', 'roots', 'true']]) {
    const { code, stderr } = await rig.run(words, { through: user });
    t.not(code, 0, words.join(' '));
    t.match(stderr, /user 1234 lacks CAP_/, words.join(' '));
    t.notMatch(stderr, /^ +at /m, 'no stack');
  }
  t.equal((await rig.state('roots')).status, 'running');
  await rig.ok(['delete', '-f', 'roots']);
});

t.test('root of a user namespace is told that he is one', async (t) => {
  const through = [...user, 'unshare', '-U', '-r', '-m'];
  const words = ['run', '-b', rig.bundle(['true']), 'inner'];
  const { code, stderr } = await rig.run(words, { through });
  if (/unshare: /.test(stderr)) return t.comment('this kernel gives users no user namespaces');
  t.equal(code, 1);
  t.match(stderr, /(denied|not permitted).* \(it runs as root of a user namespace, who may make/i);
  t.strictSame(readdirSync(rig.root), []);
});

t.test('only what was denied is explained, and only to who lacks something', (t) => {
  const status = (held: string) => `Uid:\t7\t8\t7\t7\nCapEff:\t${held}\n`;
  const everybody = '         0          0 4294967295\n';
  t.equal(missingRights({ status: status('000001ffffffffff'), uidMap: everybody }), undefined);
  const some = missingRights({ status: status('000001fff7dfffff'), uidMap: everybody });
  t.equal(some, 'user 8 lacks CAP_SYS_ADMIN, CAP_MKNOD: run it as root');
  const inner = { status: status('000001ffffffffff'), uidMap: '0 1000 1\n' };
  t.match(missingRights(inner), 'root of a user namespace');
  const busy = Object.assign(new Error('x'), { code: 'EBUSY' });
  t.equal(
    withRights(busy, () => inner),
    busy,
  );
  const cause = Object.assign(new Error('y'), { code: 'EACCES' });
  const outer = new Error('z', { cause });
  t.match(
    withRights(outer, () => inner),
    { message: /^z \(it runs as root of/, exitCode: 1 },
  );
  const full = { status: status('000001ffffffffff'), uidMap: everybody };
  t.equal(
    withRights(outer, () => full),
    outer,
  );
  t.end();
});
