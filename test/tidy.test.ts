/** The house rules that a machine can check: sizes, import directions, places, words. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import t from 'tap';

const home = resolve(import.meta.dirname, '..');
const sources = ['api', 'controller', 'node-agent', 'native', 'cli', 'test', 'bench'];

function filesBelow(folder: string): string[] {
  return readdirSync(join(home, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'build' ? [] : filesBelow(path);
    return [path];
  });
}

const files = sources.flatMap(filesBelow);
const code = files.filter((file) => /\.(ts|mjs|cc|c|h)$/.test(file));
const typescript = files.filter((file) => file.endsWith('.ts'));
const text = (file: string) => readFileSync(join(home, file), 'utf8');

/** What a file imports of ours, as paths from the top. */
function imports(file: string): string[] {
  const found = text(file).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g);
  return [...found].flatMap(([, name = '']) => {
    if (name.startsWith('#')) return [name.slice(1)];
    if (name.startsWith('.')) return [relative(home, resolve(home, dirname(file), name))];
    return [];
  });
}

/** Folder → the folders it may import from (design: the house). The longest matching rule counts. */
const allowed: Record<string, readonly string[]> = {
  'api/resources/': ['api/resources/'],
  'api/': ['api/', 'native/memory.ts'],
  'controller/runtime/': ['controller/runtime/', 'api/resources/', 'api/client/'],
  'controller/workload/': [
    'controller/workload/',
    'controller/runtime/',
    'api/resources/',
    'api/client/',
  ],
  'controller/': ['controller/workload/', 'controller/runtime/', 'api/resources/', 'api/client/'],
  'controller/certificates/': ['controller/runtime/', 'api/resources/', 'api/client/', 'api/pki/'],
  'controller/git-sync/': [
    'controller/runtime/',
    'api/resources/',
    'api/client/',
    'api/patch/json-patch.ts',
  ],
  'node-agent/': ['node-agent/', 'controller/runtime/', 'api/resources/', 'api/client/', 'native/'],
  'native/': ['native/'],
  'cli/': [
    'cli/',
    'api/resources/',
    'api/client/',
    'api/pki/',
    'api/storage/etcd-process.ts',
    'native/lookout.ts',
    'native/netlink',
  ],
  // What Node cannot read and write of a file that `bay cp` copies.
  'cli/file-capability.ts': ['cli/', 'native/files.ts'],
  // The renderer of kustomizations and the folder it reads (docs/decisions/0027).
  'cli/documents/kustomize.ts': ['cli/', 'controller/git-sync/'],
};

function mayImport(file: string, target: string): boolean {
  const rule = Object.keys(allowed)
    .filter((folder) => file.startsWith(folder))
    .sort((a, b) => b.length - a.length)[0];
  if (rule === undefined) return true;
  if (allowed[rule]?.some((folder) => target.startsWith(folder))) return true;
  if (!file.startsWith('controller/') || !target.startsWith('controller/')) return false;
  const kind = file.split('/')[1];
  // What lies beside the folders wires all kinds together; a kind sees only its own folder.
  return file.split('/').length === 2 || target.split('/')[1] === kind;
}

t.test('imports follow the directions of the design', async (t) => {
  const wrong = typescript.flatMap((file) =>
    imports(file)
      .filter((target) => !mayImport(file, target))
      .map((target) => `${file} imports ${target}`),
  );
  t.strictSame(wrong, []);
});

t.test('files stay under 250 lines', async (t) => {
  const long = code
    .map((file) => ({ file, lines: text(file).split('\n').length - 1 }))
    .filter(({ lines }) => lines > 250)
    .map(({ file, lines }) => `${file}: ${lines} lines`);
  t.strictSame(long, []);
});

t.test('there are no barrels and no drawers for odds and ends', async (t) => {
  const names = /(^|\/)(index\.ts|(utils?|common|helpers?|misc)(\.ts|\/))/;
  t.strictSame(
    files.filter((file) => names.test(file)),
    [],
  );
});

t.test('no mark of unfinished work is left in the code', async (t) => {
  const marks = new RegExp(
    `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`,
  );
  t.strictSame(
    code.filter((file) => marks.test(text(file))),
    [],
  );
});

t.test('fp-ts is imported by the paths that Node resolves', async (t) => {
  t.strictSame(
    typescript.filter((file) => /'fp-ts\/(?!lib\/\w+\.js')/.test(text(file))),
    [],
  );
});

t.test('client-node is loaded at run time in no part but one file of controller/', async (t) => {
  const loading = /^import (?!type)[^;]*'@kubernetes\/client-node'/m;
  const places = typescript.filter((file) => !file.startsWith('test/') && loading.test(text(file)));
  t.ok(
    places.every((file) => file === 'controller/kubernetes.ts'),
    places.join(', '),
  );
});

t.test('the top level holds what the design names and nothing else', async (t) => {
  const expected =
    'README.md api bay bench biome.json cli controller crds docs native node-agent package-lock.json package.json test tsconfig.json';
  const known = new Set(['CHANGELOG.md', 'LICENSE', 'node_modules', ...expected.split(' ')]);
  const odd = readdirSync(home).filter((name) => !name.startsWith('.') && !known.has(name));
  t.strictSame(odd, []);
});
