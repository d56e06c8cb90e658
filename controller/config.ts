/** The controllers' configuration file, written by `bay up`. */
import { readFileSync } from 'node:fs';
import * as t from 'io-ts';
import { PathReporter } from 'io-ts/lib/PathReporter.js';

const Config = t.type(
  {
    /** The API server's URL. */
    server: t.string,
    /** Paths of PEM files: the cluster's CA, our certificate and its key. */
    ca: t.string,
    cert: t.string,
    key: t.string,
    /** The directory of CustomResourceDefinitions to install. */
    crds: t.string,
  },
  'Config',
);

export interface Config extends t.TypeOf<typeof Config> {}

/** Reads and checks the file. Throws an Error that names the file and the fields that are wrong. */
export function readConfig(path: string): Config {
  const decoded = Config.decode(JSON.parse(readFileSync(path, 'utf8')));
  if (decoded._tag === 'Right') return decoded.right;
  throw new Error(`read the configuration ${path}: ${PathReporter.report(decoded).join('; ')}`);
}
