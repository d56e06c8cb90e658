/** The controllers' configuration file, written by `bay up`. */
import { readFileSync } from 'node:fs';
import * as t from 'io-ts';
import { PathReporter } from 'io-ts/lib/PathReporter.js';

const Required = t.type(
  {
    /** The API server's URL. */
    server: t.string,
    /** Paths of PEM files: the cluster's CA, our certificate and its key. */
    ca: t.string,
    cert: t.string,
    key: t.string,
    /** PEM file of the CA's key, with which certificates are signed. */
    caKey: t.string,
    /** The directory of CustomResourceDefinitions to install. */
    crds: t.string,
    /** The directory where repositories that GitSyncs follow are kept. */
    repositories: t.string,
  },
  'Config',
);

const Optional = t.partial({
  /** The range of all nodes' pods, of which nodes that join get their parts; absent: nobody joins. */
  clusterCidr: t.string,
  /** A node that is silent for so long is lost; agents speak every 10 s. Absent: 50. */
  nodeGraceSeconds: t.number,
});

const Config = t.intersection([Required, Optional], 'Config');

export interface Config extends t.TypeOf<typeof Config> {}

/** Reads and checks the file. Throws an Error that names the file and the fields that are wrong. */
export function readConfig(path: string): Config {
  const decoded = Config.decode(JSON.parse(readFileSync(path, 'utf8')));
  if (decoded._tag === 'Right') return decoded.right;
  throw new Error(`read the configuration ${path}: ${PathReporter.report(decoded).join('; ')}`);
}
