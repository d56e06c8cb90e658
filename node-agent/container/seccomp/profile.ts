/** A seccomp profile after all its words were understood: what the compiler takes. */

import type { Verdict } from './actions.ts';
import type { Abi } from './architectures.ts';

/** OCI runtime-spec, config-linux.md, Seccomp. */
export const operators = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
] as const;

/** Of a filter as a whole. */
export const filterFlagNames = [
  'SECCOMP_FILTER_FLAG_TSYNC',
  'SECCOMP_FILTER_FLAG_LOG',
  'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
  'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
] as const;

export type Operator = (typeof operators)[number];

/**
 * A demand on one argument (unsigned, 64 bits). MASKED_EQ: `(argument & value) == (valueTwo &
 * value)`.
 */
export interface Condition {
  /** 0 to 5 */
  readonly index: number;
  readonly op: Operator;
  readonly value: bigint;
  readonly valueTwo: bigint;
}

/** For calls of these names that meet all conditions. */
export interface Rule {
  readonly names: readonly string[];
  readonly verdict: Verdict;
  readonly conditions: readonly Condition[];
}

/**
 * Of the rules that match a call the strictest counts; what no rule matches gets `verdict`. A rule
 * that says the same as `verdict` changes nothing (as in runc and crun).
 */
export interface Profile {
  readonly verdict: Verdict;
  /** `x86_64` is meant always. */
  readonly abis: readonly Abi[];
  readonly rules: readonly Rule[];
}
