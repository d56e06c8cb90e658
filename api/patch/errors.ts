/** Why a patch was refused; `apply-patch.ts` makes a Status of it. */

/** The patch itself is wrong, whatever the document: 400. */
export class MalformedPatch extends Error {
  override readonly name = 'MalformedPatch';
}

/** The patch is well formed but cannot be applied to this document (a failing `test`, a missing path): 422. */
export class InapplicablePatch extends Error {
  override readonly name = 'InapplicablePatch';
}

/** The patch has more operations than the server takes: 413. */
export class OversizedPatch extends Error {
  override readonly name = 'OversizedPatch';
}
