import t from 'tap';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { containerCapabilities } from '#node-agent/pod/capabilities.ts';
import { type ContainerParts, containerSpec } from '#node-agent/pod/container-spec.ts';
import { hostsText, podHostname } from '#node-agent/pod/pod-files.ts';
import { resolvText } from '#node-agent/pod/resolver-file.ts';
import {
  containerResources,
  oomScoreAdj,
  podCgroupPath,
  podRequests,
  podResources,
  qosClass,
} from '#node-agent/pod/resources.ts';
import { signalNumber } from '#node-agent/pod/stop.ts';
import { busybox } from '../fake-images.ts';

const podOf = (containers: PodContainer[], spec: Partial<NonNullable<Pod['spec']>> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default', uid: 'u' },
  spec: { containers, ...spec },
});

const specOf = (container: Partial<PodContainer>, parts: Partial<ContainerParts> = {}) => {
  const whole: PodContainer = { name: 'a', ...container };
  return containerSpec({
    id: 'id',
    sandboxId: 's',
    pod: podOf([whole]),
    container: whole,
    image: { ...busybox.config, entrypoint: ['/entry'], cmd: ['one', 'two'] },
    layers: ['/l'],
    layerDir: '/w',
    user: { uid: 0, gid: 0, groups: [], home: '/root' },
    env: new Map([['A', '1']]),
    hostname: 'h',
    mounts: [],
    logPath: '/log',
    labels: {},
    memoryCapacityBytes: 1024 ** 3,
    seccompDir: '/data/seccomp',
    ...parts,
  });
};

t.test('command and args against the image: the four cases of Kubernetes', async (t) => {
  const cases: [Partial<PodContainer>, string[]][] = [
    [{}, ['/entry', 'one', 'two']],
    [{ command: ['/x'] }, ['/x']],
    [{ args: ['$(A)'] }, ['/entry', '1']],
    [{ command: ['/x', '$(A)'], args: ['y', '$$(A)'] }, ['/x', '1', 'y', '$(A)']],
  ];
  for (const [container, args] of cases) t.strictSame(specOf(container).args, args);
});

t.test('the environment has a path, a host name, a home; later wins', async (t) => {
  const { env } = specOf({ tty: true }, { env: new Map([['FROM_IMAGE', 'no']]) });
  t.strictSame(env, ['PATH=/bin', 'HOSTNAME=h', 'TERM=xterm', 'FROM_IMAGE=no', 'HOME=/root']);
});

t.test('security context becomes the runtime’s terms', async (t) => {
  const spec = specOf({
    securityContext: {
      privileged: true,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
    },
    workingDir: '/srv',
  });
  t.match(spec, {
    privileged: true,
    noNewPrivileges: true,
    readonlyRootfs: true,
    capabilities: ['CAP_NET_BIND_SERVICE'],
    cwd: '/srv',
  });
  t.equal(specOf({}).capabilities, undefined);
  t.equal(specOf({}).cwd, '/');
});

t.test('a seccomp profile is the container’s, then the pod’s, then the runtime’s', async (t) => {
  const profile = (type: string, localhostProfile?: string) => ({
    seccompProfile: { type, ...(localhostProfile === undefined ? {} : { localhostProfile }) },
  });
  const seccompOf = (own?: object, pods?: object) => {
    const container: PodContainer = { name: 'a', ...(own && { securityContext: own }) };
    const pod = podOf([container], pods === undefined ? {} : { securityContext: pods });
    return specOf(container, { pod }).seccomp;
  };
  const [unconfined, standard] = [{ type: 'Unconfined' }, { type: 'RuntimeDefault' }];
  t.equal(seccompOf(), undefined);
  t.strictSame(seccompOf(profile('Unconfined')), unconfined);
  t.strictSame(seccompOf(undefined, profile('Unconfined')), unconfined);
  t.strictSame(seccompOf(profile('RuntimeDefault'), profile('Unconfined')), standard);
  t.strictSame(seccompOf({}, profile('Localhost', 'a/b.json')), {
    type: 'Localhost',
    path: '/data/seccomp/a/b.json',
  });
  t.equal(seccompOf({ privileged: true }, profile('RuntimeDefault')), undefined, 'none then');
  const wrong: [object, RegExp][] = [
    [profile('Localhost'), /needs a localhostProfile/],
    [profile('Localhost', ''), /needs a localhostProfile/],
    [profile('Localhost', '/etc/passwd'), /relative path without/],
    [profile('Localhost', 'a/../../b'), /relative path without/],
    [profile('runtime/default'), /is none of/],
  ];
  for (const [own, message] of wrong) {
    t.throws(() => seccompOf(own), { name: 'ConfigError', message });
  }
});

t.test('capabilities are added to and dropped from Docker’s set', async (t) => {
  t.equal(containerCapabilities({}), undefined);
  t.ok(containerCapabilities({ add: ['SYS_TIME'] })?.includes('CAP_SYS_TIME'));
  t.notOk(containerCapabilities({ drop: ['chown'] })?.includes('CAP_CHOWN'));
  t.equal(containerCapabilities({ add: ['ALL'] })?.length, 41);
  t.strictSame(containerCapabilities({ drop: ['ALL'] }), []);
});

const needs = (requests: Record<string, string>, limits: Record<string, string>): PodContainer => ({
  name: 'a',
  resources: { requests, limits },
});

t.test('quality of service, cgroup and OOM score follow from requests and limits', async (t) => {
  const guaranteed = podOf([needs({}, { cpu: '500m', memory: '64Mi' })]);
  const burstable = podOf([needs({ memory: '256Mi' }, {})]);
  const bestEffort = podOf([{ name: 'a' }]);
  t.equal(qosClass(guaranteed), 'Guaranteed');
  t.equal(qosClass(burstable), 'Burstable');
  t.equal(qosClass(bestEffort), 'BestEffort');
  t.equal(podCgroupPath('/bayplan', 'Guaranteed', 'u'), '/bayplan/podu');
  t.equal(podCgroupPath('/bayplan', 'BestEffort', 'u'), '/bayplan/besteffort/podu');
  const score = (pod: Pod) => oomScoreAdj(pod, pod.spec?.containers[0] as PodContainer, 1024 ** 3);
  t.strictSame([guaranteed, burstable, bestEffort].map(score), [-997, 750, 1000]);
});

t.test('resources of the pod as a whole come before those of its containers', async (t) => {
  const whole = (resources: object, ...list: PodContainer[]) => podOf(list, { resources });
  const both = { limits: { cpu: '1', memory: '1Gi' } };
  const free = { name: 'a' };
  t.equal(qosClass(whole(both, free)), 'Guaranteed');
  t.equal(qosClass(whole({ requests: { cpu: '1' } }, free)), 'Burstable');
  t.match(podResources(whole(both, free, free)), {
    cpu: { shares: 1024, quota: 100_000 },
    memory: { limit: 1024 ** 3 },
  });
  const asks = needs({ cpu: '250m', memory: '128Mi' }, {});
  t.strictSame(podRequests(whole(both, asks, asks)), {
    cpuMillis: 500,
    memoryBytes: 256 * 1024 ** 2,
  });
  const said = { requests: { cpu: '2', memory: '512Mi' }, limits: { memory: '1Gi' } };
  t.strictSame(podRequests(whole(said, asks)), { cpuMillis: 2000, memoryBytes: 512 * 1024 ** 2 });
  t.equal(podResources(whole(said, asks)).cpu?.quota, undefined);
  t.equal(oomScoreAdj(whole(said, free, free), free, 1024 ** 3), 750, 'an equal part of the rest');
});

t.test('CPU becomes shares and quota, memory a limit', async (t) => {
  t.strictSame(containerResources(needs({ cpu: '250m' }, { cpu: '1', memory: '64Mi' })), {
    cpu: { shares: 256, quota: 100_000, period: 100_000 },
    memory: { limit: 64 * 1024 * 1024 },
  });
  t.strictSame(containerResources({ name: 'a' }), { cpu: { shares: 2 } });
  t.equal(containerResources(needs({}, { cpu: '1m' })).cpu?.quota, 1_000, 'the kernel’s least');
  const half = podOf([needs({}, { cpu: '1' }), { name: 'b' }]);
  t.equal(podResources(half).cpu?.quota, undefined, 'one without a limit makes the pod unlimited');
  const inits = podOf([needs({ cpu: '100m' }, {})], { initContainers: [needs({ cpu: '2' }, {})] });
  t.equal(podResources(inits).cpu?.shares, 2048);
});

t.test('hosts, host name and resolv.conf are Kubernetes’ own', async (t) => {
  const pod = podOf([], {
    subdomain: 'sub',
    hostAliases: [{ ip: '192.0.2.7', hostnames: ['x', 'y'] }],
    dnsPolicy: 'None',
    dnsConfig: {
      nameservers: ['192.0.2.53'],
      searches: ['a.b'],
      options: [{ name: 'ndots', value: '2' }],
    },
  });
  const hosts = hostsText(pod, '10.0.0.5', 'p');
  t.match(hosts, '10.0.0.5\tp.sub.default.svc.cluster.local\tp');
  t.match(hosts, '192.0.2.7\tx\ty');
  t.equal(
    resolvText(pod, 'nameserver 9.9.9.9\n'),
    'nameserver 192.0.2.53\nsearch a.b\noptions ndots:2\n',
  );
  t.equal(
    podHostname({ ...pod, metadata: { name: `${'x'.repeat(62)}.yz` } }, 'node'),
    'x'.repeat(62),
  );
  t.equal(podHostname(podOf([], { hostNetwork: true }), 'node'), 'node');
});

t.test('stop signals are known by name and number', async (t) => {
  const cases: [string, number][] = [
    ['SIGTERM', 15],
    ['QUIT', 3],
    ['9', 9],
    ['SIGRTMIN+3', 37],
    ['SIGNONSENSE', 15],
  ];
  for (const [name, number] of cases) t.equal(signalNumber(name), number, name);
});
