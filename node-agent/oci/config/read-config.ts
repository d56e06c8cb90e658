/** Reads a bundle's config.json, and the `process` documents of exec: bounded, decoded, checked. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { checkConfig, checkProcess } from './check.ts';
import { Config } from './config.ts';
import { ConfigError, decodeAs, type Problem, parseDocument } from './problem.ts';
import { Process } from './process.ts';

/** Larger than what a supervisor takes. */
const largestBytes = 4 << 20;

/** The text of a file; a pipe or device in its place is refused, not waited for. */
export function readBounded(path: string): string {
  const fd = openSync(path, 'r');
  try {
    const facts = fstatSync(fd);
    if (!facts.isFile()) throw new Error(`read ${path}: not a file`);
    if (facts.size > largestBytes)
      throw new Error(`read ${path}: larger than ${largestBytes} bytes`);
    const bytes = Buffer.alloc(facts.size);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}

/** @throws ConfigError naming every wrong field */
export function configOf(text: string): Config {
  const config = decodeAs(Config, 'config.json', parseDocument('config.json', text));
  const problems = checkConfig(config);
  if (problems.length > 0) throw new ConfigError('config.json', problems);
  return config;
}

/** What `exec --process FILE` brings. @throws ConfigError naming every wrong field */
export function processOf(document: string, text: string): Process {
  const process = decodeAs(Process, document, parseDocument(document, text));
  const problems: Problem[] = [];
  checkProcess(process, 'process', (path, message) => problems.push({ path, message }));
  if (process.args == null) problems.push({ path: 'process.args', message: 'expected a list' });
  if (problems.length > 0) throw new ConfigError(document, problems);
  return process;
}

/** @throws Error naming the bundle that has none, ConfigError naming every wrong field */
export function readConfig(bundle: string): Config {
  return configOf(readBounded(`${bundle}/config.json`));
}
