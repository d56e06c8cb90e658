/** Network policies as rules, as tables; nothing of a document gets into the text of a rule but what it may be. */
import t from 'tap';
import type { NetworkPolicy } from '#api/resources/types.ts';
import { compilePolicy } from '#node-agent/network/policies/compile.ts';
import { membershipOf, type PolicyPod, wantedTable } from '#node-agent/network/policies/plan.ts';
import { changeText, emptyTable, wholeText } from '#node-agent/network/policies/table-text.ts';

const policy = (spec: object, name = 'p'): NetworkPolicy =>
  ({ metadata: { namespace: 'default', name }, spec }) as unknown as NetworkPolicy;
const pod = (more: Partial<PolicyPod> = {}): PolicyPod => ({
  namespace: 'default',
  labels: { app: 'web' },
  ip: '10.244.0.2',
  ports: [{ name: 'http', protocol: 'tcp', port: 8080 }],
  isLocal: true,
  ...more,
});

/** Rules of both directions, with the policy's digest taken out of names. */
function lines(spec: object): string[] {
  const { chains } = compilePolicy(policy({ podSelector: {}, ...spec }));
  return [...chains].flatMap(([direction, { rules }]) =>
    rules.length === 0
      ? [`${direction}: nothing`]
      : rules.map((rule) => `${direction}: ${rule.replace(/p-[0-9a-f]{10}/g, 'p')}`),
  );
}

const cases: readonly (readonly [string, object, readonly string[]])[] = [
  ['nothing said: nothing is let in', {}, ['ingress: nothing']],
  ['an empty rule: all', { ingress: [{}] }, ['ingress: accept']],
  ['egress rules bring the direction', { egress: [{}] }, ['ingress: nothing', 'egress: accept']],
  ['only egress', { policyTypes: ['Egress'] }, ['egress: nothing']],
  [
    'peers and ports are each combined',
    {
      ingress: [
        {
          from: [
            { podSelector: {} },
            { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.2.0.0/16'] } },
          ],
          ports: [{ port: 80 }, { port: 90, endPort: 99, protocol: 'UDP' }, { port: 'http' }],
        },
      ],
    },
    [
      'ip saddr @p-ingress-0-pods tcp dport 80 accept',
      'ip saddr @p-ingress-0-pods udp dport 90-99 accept',
      'ip saddr @p-ingress-0-pods ip daddr . meta l4proto . th dport @p-ingress-0-ports accept',
      'ip saddr 10.0.0.0/8 ip saddr != { 10.1.0.0/16, 10.2.0.0/16 } tcp dport 80 accept',
      'ip saddr 10.0.0.0/8 ip saddr != { 10.1.0.0/16, 10.2.0.0/16 } udp dport 90-99 accept',
      'ip saddr 10.0.0.0/8 ip saddr != { 10.1.0.0/16, 10.2.0.0/16 } ip daddr . meta l4proto . th dport @p-ingress-0-ports accept',
    ].map((rule) => `ingress: ${rule}`),
  ],
  [
    'what is no address or protocol of IPv4 is left out',
    {
      ingress: [
        {
          from: [
            { ipBlock: { cidr: 'fd00::/8' } },
            { ipBlock: { cidr: '1.2.3.4/8; flush ruleset' } },
          ],
          ports: [{ protocol: 'SCTP' }, { protocol: 'tcp; drop' }],
        },
      ],
    },
    ['ingress: nothing'],
  ],
];
for (const [name, spec, expected] of cases)
  t.test(name, async (t) => t.strictSame(lines(spec), expected));

t.test(
  'pods of the same policies share a chain; those of other nodes are peers alone',
  async (t) => {
    const deny = compilePolicy(policy({ podSelector: {} }, 'deny'));
    const allow = compilePolicy(
      policy(
        {
          podSelector: { matchLabels: { app: 'web' } },
          ingress: [{ from: [{ podSelector: {} }] }],
        },
        'allow',
      ),
    );
    const pods = [
      pod(),
      pod({ ip: '10.244.0.3' }),
      pod({ ip: '10.244.0.4', labels: {} }),
      pod({ ip: '10.244.1.2', isLocal: false }),
      pod({ ip: '10.244.0.5', namespace: 'other' }),
    ].map((one) => ({ pod: one, member: membershipOf(one, [deny, allow], () => ({})) }));
    const { verdicts, sets, chains } = wantedTable([deny, allow], pods);
    t.strictSame([...verdicts.ingress.keys()], ['10.244.0.2', '10.244.0.3', '10.244.0.4']);
    t.equal(verdicts.ingress.get('10.244.0.2'), verdicts.ingress.get('10.244.0.3'));
    t.not(verdicts.ingress.get('10.244.0.2'), verdicts.ingress.get('10.244.0.4'));
    t.equal(verdicts.egress.size, 0);
    const peers = [...sets].find(([name]) => name.endsWith('-pods'))?.[1].elements ?? new Set();
    t.strictSame([...peers].sort(), ['10.244.0.2', '10.244.0.3', '10.244.0.4', '10.244.1.2']);
    t.equal(chains.size, 4, 'two policies, two classes');
    const wanted = { verdicts, sets, chains };
    t.equal(changeText('t', wanted, wanted), '', 'nothing changes');
    t.match(changeText('t', wanted, { ...emptyTable, sets: new Map() }), /delete chain/);
    t.match(wholeText({ table: 't' }, wanted), /^add table ip t\ndelete table ip t\ntable ip t \{/);
  },
);
