/** Security contexts of pods and containers, in Kubernetes' words. */
import t from 'tap';
import type { JsonObject } from '#api/resources/json.ts';
import { complaints, expectComplaints, pod } from './cases.ts';

const ofPod = (securityContext: JsonObject): JsonObject => pod({}, { securityContext });
const ofContainer = (securityContext: JsonObject): JsonObject => pod({ securityContext });
const sysctls = (...names: string[]): JsonObject =>
  ofPod({ sysctls: names.map((name) => ({ name, value: '1' })) });
const own = 'spec.securityContext';
const its = 'spec.containers[0].securityContext';

const MISTAKES: [JsonObject, string | RegExp][] = [
  [sysctls('foo-'), /^spec\.securityContext\.sysctls\[0\]\.name: Invalid value: "foo-": must have/],
  [sysctls('kernel.shmmax', 'bar..'), /^spec\.securityContext\.sysctls\[1\]\.name: Invalid value/],
  [sysctls('a'.repeat(254)), /must have at most 253 characters/],
  [sysctls(''), `${own}.sysctls[0].name: Required value`],
  [sysctls('net.core.somaxconn', 'net.core.somaxconn'), /sysctls\[1\]\.name: Duplicate value/],
  [
    ofPod({ fsGroupChangePolicy: 'Never' }),
    `${own}.fsGroupChangePolicy: Unsupported value: "Never": supported values: "OnRootMismatch", "Always"`,
  ],
  [ofPod({ supplementalGroupsPolicy: 'x' }), /supplementalGroupsPolicy: Unsupported value: "x"/],
  [
    ofPod({ seccompProfile: {} }),
    `${own}.seccompProfile.type: Required value: type is required when seccompProfile is set`,
  ],
  [
    ofContainer({ seccompProfile: { type: 'None' } }),
    `${its}.seccompProfile.type: Unsupported value: "None": supported values: "Localhost", "RuntimeDefault", "Unconfined"`,
  ],
  [
    ofContainer({ seccompProfile: { type: 'Localhost' } }),
    `${its}.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost`,
  ],
  [
    ofPod({ seccompProfile: { type: 'Localhost', localhostProfile: '../x.json' } }),
    `${own}.seccompProfile.localhostProfile: Invalid value: "../x.json": must not contain '..'`,
  ],
  [
    ofPod({ seccompProfile: { type: 'Localhost', localhostProfile: '/etc/x.json' } }),
    `${own}.seccompProfile.localhostProfile: Invalid value: "/etc/x.json": must be a relative path`,
  ],
  [
    ofPod({ seccompProfile: { type: 'Unconfined', localhostProfile: 'x' } }),
    `${own}.seccompProfile.localhostProfile: Invalid value: "x": can only be set when seccomp type is Localhost`,
  ],
  [
    ofPod({ appArmorProfile: { type: 'Localhost', localhostProfile: '' } }),
    `${own}.appArmorProfile.localhostProfile: Required value: must be set when AppArmor type is Localhost`,
  ],
  [
    ofContainer({ appArmorProfile: { type: 'Localhost', localhostProfile: ' x' } }),
    `${its}.appArmorProfile.localhostProfile: Invalid value: " x": must not be padded with whitespace`,
  ],
  [
    ofContainer({ appArmorProfile: { type: 'Localhost', localhostProfile: 'x'.repeat(4096) } }),
    `${its}.appArmorProfile.localhostProfile: Too long: must have at most 4095 bytes`,
  ],
];

t.test('a mistake in a security context is refused in Kubernetes words', async (t) => {
  expectComplaints(
    t,
    MISTAKES.map(([rest, complaint]) => ['v1', 'Pod', rest, complaint]),
  );
});

t.test('what is right passes', async (t) => {
  for (const rest of [
    sysctls('kernel.shm_rmid_forced', 'net/ipv4/conf/eth0.100/forwarding'),
    ofPod({ fsGroupChangePolicy: 'OnRootMismatch', supplementalGroupsPolicy: 'Strict' }),
    ofPod({ seccompProfile: { type: 'Localhost', localhostProfile: 'profiles/..x.json' } }),
    ofContainer({ seccompProfile: { type: 'RuntimeDefault' } }),
    ofContainer({ appArmorProfile: { type: 'Localhost', localhostProfile: 'mine' } }),
  ]) {
    t.strictSame(complaints('v1', 'Pod', rest), [], JSON.stringify(rest));
  }
});
