/** Errors about archives: they carry a stranger's names, which may hold anything. */

import { ImageError } from './images.ts';

/** A stranger's text, fit for one line of a terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  return text.slice(0, 1000).replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/g, '?');
}

/** `what` says which part of the archive, why it cannot be used, and what to do. */
export function invalidArchive(what: string, cause?: unknown): ImageError {
  const options = cause === undefined ? {} : { cause };
  return new ImageError('InvalidArchive', `read the image archive: ${printable(what)}`, options);
}
