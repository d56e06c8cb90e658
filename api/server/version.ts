/** `/version`: the Kubernetes whose API this is. */
import { jsonBody } from './reply.ts';

/** The release whose API, as tests and clients know it, is served. */
const release = { major: '1', minor: '36', patch: '2' };

export const gitVersion = `v${release.major}.${release.minor}.${release.patch}+bayplan`;

export const versionBody = jsonBody(200, {
  major: release.major,
  minor: release.minor,
  emulationMajor: release.major,
  emulationMinor: release.minor,
  minCompatibilityMajor: release.major,
  minCompatibilityMinor: String(Number(release.minor) - 1),
  gitVersion,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: `node ${process.version}`,
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
});
