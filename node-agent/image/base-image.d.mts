/** The tag of the built-in image. */
export const BASE_IMAGE: string;

/** Writes the built-in image's archive to `outFile`, whole or not at all. @throws Error when busybox is missing */
export function makeBaseImage(outFile: string, options?: { busybox?: string }): Promise<void>;
