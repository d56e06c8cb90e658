/** A pod's resolv.conf by policy, as Kubernetes makes it. */
import t from 'tap';
import type { PodSpec } from '#api/resources/types.ts';
import { resolvText } from '#node-agent/pod/resolver-file.ts';
import { aPod } from '../../support/builders.ts';

const host = 'nameserver 192.0.2.53\nsearch example.org\noptions timeout:2\n';
const names = { address: '10.96.0.10', domain: 'cluster.local' };
const own = 'default.svc.cluster.local svc.cluster.local cluster.local';
const cluster = `nameserver 10.96.0.10\nsearch ${own} example.org\noptions ndots:5\n`;

const cases: readonly (readonly [string, Partial<PodSpec>, string])[] = [
  ['nothing said: the cluster first', {}, cluster],
  ['ClusterFirst', { dnsPolicy: 'ClusterFirst' }, cluster],
  ['in the node’s network its names', { dnsPolicy: 'ClusterFirst', hostNetwork: true }, host],
  ['unless asked for', { dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true }, cluster],
  ['Default', { dnsPolicy: 'Default' }, host],
  [
    'None: only what is said',
    {
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['1.1.1.1'], searches: ['my.test'], options: [{ name: 'debug' }] },
    },
    'nameserver 1.1.1.1\nsearch my.test\noptions debug\n',
  ],
  [
    'more, and other options; no more than three servers',
    {
      dnsConfig: {
        nameservers: ['1.1.1.1', '10.96.0.10', '1.1.1.2', '1.1.1.3'],
        searches: ['my.test'],
        options: [{ name: 'ndots', value: '2' }],
      },
    },
    `nameserver 10.96.0.10\nnameserver 1.1.1.1\nnameserver 1.1.1.2\nsearch ${own} example.org my.test\noptions ndots:2\n`,
  ],
];
for (const [name, spec, expected] of cases) {
  t.test(name, async (t) => t.equal(resolvText(aPod('p', spec), host, names), expected));
}
