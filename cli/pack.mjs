// Packs our programs for a quick start: `node cli/pack.mjs`. Run by setup.
//
// A program of three hundred modules spends most of its start on finding, reading and linking them. Packed, it is a few
// files; what is imported late stays apart and is loaded late. It is a cache, not a build: the starter of each program
// first looks whether a source has changed since (its size or time), and then runs the sources, slower and right.
//
//     node_modules/.cache/packed/api/main.mjs        the starter of api/main.ts
//     node_modules/.cache/packed/code/NAME-HASH.mjs  what it loads
//
// Code is never overwritten: a cluster that runs while the next version is packed finds what it loads late.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { build } from 'esbuild';
import { codeName, entryPoints, packedFolder, sourcesName, starterName } from './packed.mjs';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const codeFolder = `${packedFolder}/code`;

/** Code of an earlier version is kept this long for clusters that run it. */
const keptMs = 30 * 24 * 60 * 60 * 1000;

/** Packages that are imported late, in CommonJS: packed, their names would come as members of `default`. */
const external = ['@kubernetes/client-node', 'etcd3', 'tar-stream', 'ws', 'yaml'];

/**
 * Started for every operation of a container: not in parts that are shared with others, but one script with the
 * compiled code of all its functions, which a module cannot have before it has run.
 */
const alone = entryPoints.filter((program) => program === 'node-agent/oci/main.ts');

/** A source goes on to know where it is. */
const places = {
  name: 'places',
  setup({ onLoad }) {
    onLoad({ filter: /\.(ts|mjs)$/ }, async ({ path }) => {
      const way = relative(home, path);
      if (way.startsWith('node_modules/')) return undefined;
      const contents = (await readFile(path, 'utf8'))
        .replaceAll('import.meta.url', `$place(${JSON.stringify(way)}).href`)
        .replaceAll('import.meta.dirname', `$place(${JSON.stringify(dirname(way))}).pathname`);
      return { contents, loader: 'ts' };
    });
  },
};

/** `require`: packages in CommonJS ask for Node's own modules by it. */
const banner = `import { createRequire as $createRequire } from 'node:module';
const require = $createRequire(import.meta.url);
const $place = (way) => new URL('../../../../' + way, import.meta.url);`;

/** One expression: a function of Node's own modules by name, and of where it is. */
const scriptBanner = `(function (require, $filename) { 'use strict';
const module = { exports: {} };
const $place = (way) => new URL('../../../../' + way, require('node:url').pathToFileURL($filename));`;

/** Path, size and time of the sources that the output and all it may load are made of. */
function sourcesOf(entry, outputs) {
  const seen = new Set();
  const take = (name) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const { path, external: apart } of outputs[name].imports) if (!apart) take(path);
  };
  take(entry);
  const inputs = [...seen].flatMap((name) => Object.keys(outputs[name].inputs));
  return [...new Set(inputs)]
    .filter((path) => !path.startsWith('node_modules/'))
    .map((path) => {
      const { size, mtimeMs } = statSync(join(home, path));
      return [path, size, mtimeMs];
    });
}

/** Compiled code is found by name; whoever compiled it, other versions of V8 take the source. */
const compiledName = (code) => `${code}.code`;

/** Loads what is packed: a module, or a script together with every function compiled. */
const loading = (isAlone) =>
  isAlone
    ? `const { readFileSync } = await import('node:fs');
  const { Script } = await import('node:vm');
  const filename = home + packed;
  const cachedData = readFileSync(filename + '${compiledName('')}');
  const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
  script.runInThisContext()(process.getBuiltinModule, filename);`
    : 'await import(home + packed);';

const starterOf = (program, code, sources) => `import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
const home = fileURLToPath(new URL('${'../'.repeat(program.split('/').length + 2)}', import.meta.url));
const sources = ${JSON.stringify(sources)};
const isFresh = sources.every(([path, size, time]) => {
  const facts = statSync(home + path, { throwIfNoEntry: false });
  return facts !== undefined && facts.size === size && facts.mtimeMs === time;
});
const [packed, source] = ${JSON.stringify([code, program])};
if (isFresh) {
  ${loading(alone.includes(program))}
} else {
  await import(home + source);
}
`;

/** One byte a character, to be read without being decoded: comments and names in strings have others. */
const inOneByte = (code) =>
  code.replace(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Every function compiled, as V8 keeps it; taken only by the same V8. */
function compiled(code, filename) {
  setFlagsFromString('--no-lazy');
  const script = new Script(code, { filename });
  setFlagsFromString('--lazy');
  return script.createCachedData();
}

function put(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.tmp`, content);
  renameSync(`${path}.tmp`, path);
}

/** What no program loads since long. */
function forgetOldCode(current, now) {
  for (const name of readdirSync(join(home, codeFolder))) {
    const path = join(home, codeFolder, name);
    if (!current.has(path) && now - statSync(path).mtimeMs > keptMs) rmSync(path);
  }
}

const buildOf = (programs, isAlone) => ({
  absWorkingDir: home,
  entryPoints: Object.fromEntries(programs.map((program) => [codeName(program), program])),
  bundle: true,
  splitting: !isAlone,
  format: isAlone ? 'cjs' : 'esm',
  platform: 'node',
  target: 'node24',
  outdir: codeFolder,
  entryNames: '[name]-[hash]',
  outExtension: { '.js': '.mjs' },
  banner: { js: isAlone ? scriptBanner : banner },
  // A script has no import: Node's own modules come by `require`, late ones as well.
  ...(isAlone ? { footer: { js: '})' }, supported: { 'dynamic-import': false } } : {}),
  external,
  plugins: [places],
  metafile: true,
  write: false,
});
const shared = entryPoints.filter((program) => !alone.includes(program));
const wanted = [buildOf(shared, false), ...(alone.length > 0 ? [buildOf(alone, true)] : [])];
const builds = await Promise.all(wanted.map((options) => build(options)));
const outputFiles = builds.flatMap((one) => one.outputFiles);
const outputs = Object.assign({}, ...builds.map(({ metafile }) => metafile.outputs));
const packed = entryPoints.map((program) => {
  const code = Object.keys(outputs).find((name) => outputs[name].entryPoint === program);
  return { program, code, sources: sourcesOf(code, outputs) };
});
// A starter goes away first and comes last: it never meets a program that is not its own.
const starters = packed.map(({ program }) => join(home, packedFolder, starterName(program)));
for (const starter of starters) rmSync(starter, { force: true });
for (const { path, contents, text } of outputFiles) {
  const isAlone = alone.some((program) => path.includes(`/${codeName(program)}-`));
  if (!existsSync(path)) put(path, isAlone ? inOneByte(text) : contents);
  if (isAlone && !existsSync(compiledName(path)))
    put(compiledName(path), compiled(inOneByte(text), path));
}
forgetOldCode(new Set(outputFiles.flatMap(({ path }) => [path, compiledName(path)])), Date.now());
packed.forEach(({ program, code, sources }, index) => {
  put(starters[index], starterOf(program, code, sources));
});
put(
  join(home, packedFolder, sourcesName),
  JSON.stringify(Object.fromEntries(packed.map(({ program, sources }) => [program, sources]))),
);
