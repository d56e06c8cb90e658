/** `linux.memoryPolicy`: the memory nodes of a container's processes (set_mempolicy(2)). */

import t from 'tap';
import { wireMemoryPolicy } from '#node-agent/oci/config/memory-policy.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { Rig } from './bundle.ts';
import { badness } from './config-problems.ts';

needsRoot();
const rig = new Rig(scratch('oci-memory-policy')());
let count = 0;
const bundle = (memoryPolicy: object, ...args: string[]) =>
  rig.bundle(args, { linux: { memoryPolicy } });
const policyOf = (maps: string) => maps.split(' ')[1];
const look = ['head', '-1', '/proc/self/numa_maps'];

t.test('its program has the policy, and what is executed beside it', async (t) => {
  const cases: [object, RegExp][] = [
    [{ mode: 'MPOL_DEFAULT' }, /^default$/],
    [{ mode: 'MPOL_LOCAL' }, /^local$/],
    [{ mode: 'MPOL_BIND', nodes: '0' }, /^bind:0$/],
    [{ mode: 'MPOL_INTERLEAVE', nodes: '0', flags: null }, /^interleave:0$/],
    [{ mode: 'MPOL_PREFERRED', nodes: '0' }, /^prefer:0$/],
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }, /^bind=static:0$/],
    [{ mode: 'MPOL_BIND', nodes: '0-0', flags: ['MPOL_F_RELATIVE_NODES'] }, /^bind=relative:0$/],
  ];
  for (const [policy, wanted] of cases) {
    const seen = await rig.ok(['run', '-b', bundle(policy, ...look), `policy${count++}`]);
    t.match(policyOf(seen), wanted, JSON.stringify(policy));
  }
  const policy = { mode: 'MPOL_BIND', nodes: '0' };
  await rig.ok(['run', '-d', '-b', bundle(policy, 'sleep', '1000'), 'stays']);
  t.equal(policyOf(await rig.ok(['exec', 'stays', ...look])), 'bind:0');
  await rig.ok(['delete', '-f', 'stays']);
});

t.test('nodes that this machine has not are refused', async (t) => {
  const policy = { mode: 'MPOL_BIND', nodes: '1023' };
  const { code, stderr } = await rig.run(['run', '-b', bundle(policy, 'true'), 'none']);
  t.equal(code, 1);
  t.match(stderr, /set the memory policy/);
});

t.test('what contradicts itself is refused by its field', async (t) => {
  const cases: [object, string][] = [
    [{}, 'mode: expected one of MPOL_DEFAULT'],
    [{ mode: 'MPOL_X' }, 'mode: expected one of MPOL_DEFAULT'],
    [{ mode: 'MPOL_BIND' }, 'nodes: expected the nodes of MPOL_BIND, found none'],
    [{ mode: 'MPOL_DEFAULT', nodes: '0' }, 'nodes: expected none with MPOL_DEFAULT'],
    [{ mode: 'MPOL_LOCAL', nodes: '0' }, 'nodes: expected none with MPOL_LOCAL'],
    [{ mode: 'MPOL_BIND', nodes: '0,' }, 'nodes: expected a list of nodes'],
    [{ mode: 'MPOL_BIND', nodes: '1e9' }, 'nodes: expected a list of nodes'],
    [{ mode: 'MPOL_BIND', nodes: '0-1024' }, 'nodes: there is no node 1024'],
    [{ mode: 'MPOL_BIND', nodes: '3-1' }, 'nodes: 3-1 ends before it begins'],
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_X'] }, 'flags[0]: expected one of MPOL_F_'],
    [{ mode: 'MPOL_LOCAL', flags: ['MPOL_F_STATIC_NODES'] }, 'flags: expected none'],
    [
      {
        mode: 'MPOL_BIND',
        nodes: '0',
        flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES'],
      },
      'flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude',
    ],
  ];
  for (const [memoryPolicy, wanted] of cases) {
    const problems = badness({ linux: { memoryPolicy } }).join('\n');
    t.match(problems, `linux.memoryPolicy.${wanted}`, wanted);
  }
});

t.test('the kernel gets the mode with its flags, and the nodes as a mask', async (t) => {
  const flags = ['MPOL_F_NUMA_BALANCING'] as const;
  const wire = wireMemoryPolicy({
    mode: 'MPOL_WEIGHTED_INTERLEAVE',
    nodes: '0,8-9',
    flags: [...flags],
  });
  t.equal(wire.mode, 6 | (1 << 13));
  t.strictSame([...wire.nodes], [1, 3, 0, 0, 0, 0, 0, 0]);
});
