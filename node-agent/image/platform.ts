/** Which of an index's images is this machine's. Names are Go's GOOS/GOARCH (OCI image-spec, image-index.md). */

import { ImageError } from './images.ts';
import type { Descriptor } from './oci.ts';

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: 'ppc64le',
  loong64: 'loong64',
};

const MACHINE = { os: 'linux', architecture: ARCHITECTURES[process.arch] ?? process.arch };

/** In an image's configuration. */
export const thisPlatform = (): { os: string; architecture: string } => ({ ...MACHINE });

function platformName({ platform }: Descriptor): string {
  if (!platform) return 'any';
  const variant = platform.variant ? `/${platform.variant}` : '';
  return `${platform.os}/${platform.architecture}${variant}`;
}

function fits({ platform }: Descriptor): boolean {
  if (!platform) return true;
  return platform.os === MACHINE.os && platform.architecture === MACHINE.architecture;
}

/** BuildKit's attestations sit beside the images as manifests of an unknown platform. */
function isAttestation({ platform, annotations }: Descriptor): boolean {
  return (
    platform?.os === 'unknown' ||
    annotations?.['vnd.docker.reference.type'] === 'attestation-manifest'
  );
}

/**
 * The descriptors fit for this machine, in their order: `every` of a top index (several images), the `first` of one image's.
 * `what` begins the error's sentence.
 * @throws ImageError `InvalidArchive` when there are only others
 */
export function selectPlatform(
  descriptors: readonly Descriptor[],
  which: 'every' | 'first',
  what = 'read the image archive: it',
): readonly Descriptor[] {
  const images = descriptors.filter((descriptor) => !isAttestation(descriptor));
  const fitting = images.filter(fits);
  if (images.length > 0 && fitting.length === 0) {
    const there = images.map(platformName).join(', ');
    throw new ImageError(
      'InvalidArchive',
      `${what} holds no image for ${MACHINE.os}/${MACHINE.architecture}, only for ${there}`,
    );
  }
  return which === 'first' ? fitting.slice(0, 1) : fitting;
}
