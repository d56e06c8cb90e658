/** What is done by docker and by `bay` alike: changes of files, changes of a configuration, copies. */
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** In a container of its own each. */
export const fileChanges: Readonly<Record<string, string>> = {
  nothing: 'true',
  facts: 'chmod 700 /home; chmod 600 /etc/passwd; chown 5 /root; touch /etc/group',
  made: 'mkdir -p /a/b/c; echo x >/a/b/c/d; ln -s x /a/l; mkfifo /a/p; mknod /a/n c 1 3; ln /etc/passwd /etc/p2',
  gone: 'rm /etc/group; rmdir /home; touch /zz; rm /zz; mv /etc/passwd /etc/q',
  replaced:
    'rm /etc/group; mkdir /etc/group; echo x >/etc/group/y; rm -rf /home; echo x >/home; ln -sf x /bin/ls',
  emptied: 'rm -rf /etc/*; mv /bin /bin2; /bin2/mkdir /etc/new',
  mounted: 'echo 1.2.3.4 x >>/etc/hosts; echo x >/etc/hostname; touch /dev/x; echo >/dev/shm/x',
  named: 'mkdir "/a b"; echo >"/a b/$(printf "c\\nd")"; for i in z B 10 9 _; do mkdir /o$i; done',
};

/** Instructions of one commit each. */
export const changes: readonly (readonly string[])[] = [
  [],
  ['CMD echo $PATH'],
  ['CMD ["echo","hi"]'],
  ['CMD []'],
  ['ENTRYPOINT ["/bin/sh"]'],
  ['ENTRYPOINT []'],
  ['CMD ["x"]', 'ENTRYPOINT ["y"]'],
  ['ENTRYPOINT ["y"]', 'CMD ["x"]'],
  ['ENV A=1 B="two words" C=\'$x\' D=a\\ b', 'ENV PATH=/x:$PATH', 'ENV OLD value "with" $A'],
  ['EXPOSE 80 443/tcp 53/udp 8000-8002'],
  ['LABEL a="x$PATH" "c d"="e f"', 'LABEL old value'],
  ['USER 1000:1000', 'WORKDIR $HOME/x', 'WORKDIR rel', 'VOLUME /data /more', 'VOLUME ["/a b"]'],
  ['ONBUILD RUN echo', 'HEALTHCHECK NONE'],
  ['HEALTHCHECK --interval=5s --timeout=3s --start-period=1m --retries=2 CMD test -e /x'],
  ['# several\nENV A=1\nLABEL a=$A \\\n  b=c'],
  ['ONBUILD FROM x'],
  ['ONBUILD ONBUILD RUN x'],
  ['HEALTHCHECK --retries=x CMD a'],
  ['HEALTHCHECK NONE x'],
  ['RUN x'],
  ['ENV'],
  ['ENV A'],
  ['LABEL x'],
  ['EXPOSE x'],
  ['VOLUME []'],
  [''],
];

export interface Copy {
  /** `@` is the engine's own local directory, `#` the number of the copy. */
  readonly args: readonly string[];
  readonly input?: string | Buffer;
  /** What comes of it is seen here, else in the container. */
  readonly isOut: boolean;
}

const old = '200101010000';
const flagged = [[], ['-L'], ['-a']];
const pairs = (sources: readonly string[], targets: readonly string[], flags = [[] as string[]]) =>
  sources.flatMap((source) =>
    targets.flatMap((target) => flags.map((flag) => [...flag, source, target])),
  );

const out = [
  ...pairs(
    ['/s/file', '/s/dir', '/s/dir/.', '/s/ld/', '/s/nope', '/s/file/'],
    ['@/new', '@/new/', '@/d', '@/f', '@/nodir/x', '@/fl', '@/dang'],
  ),
  ...pairs(['/s/labs', '/s/esc/.', '../s/file', '/s/fifo', '/s/null'], ['@/new', '@/dl']),
  ...pairs(['/s/lf', '/s/labs', '/s/dang'], ['@/new', '@/d'], flagged),
].map((words) => words.map((word) => (/^[/.]/.test(word) ? `copied:${word}` : word)));

const into = [
  ...pairs(
    ['@/file', '@/dir', '@/dir/.', '@/lf', '@/nope'],
    ['/new', '/new/', '/d', '/f', '/nodir/x', '/ld', '/lf', '/dang', '/esc'],
  ),
  ...pairs(['@/ld/', '@/fifo'], ['/new', '/f/', '/labs', '/full']),
  ...pairs(['@/lf', '@/ld'], ['/new', '/d'], flagged),
  ...pairs(['-'], ['/d', '/ld', '/new', '/f']),
  ['', '/d'],
].map((words) => words.map((word) => (word.startsWith('/') ? `copied:/t/#${word}` : word)));

const tarOf = (): Buffer => {
  const place = execFileSync('mktemp', ['-d'], { encoding: 'utf8' }).trim();
  const line = `cd ${place}; mkdir a; echo q >a/q; chown 5:6 a/q; touch -t ${old} a/q a; tar -c a; rm -r ${place}`;
  return execFileSync('sh', ['-c', line]);
};

const archive = tarOf();

export const copies: readonly Copy[] = [
  ...out.map((args) => ({ args, isOut: true })),
  ...into.map((args) => ({ args, isOut: false, input: args.includes('-') ? archive : '' })),
  { args: ['-', 'copied:/t/#/d'], input: 'no tar', isOut: false },
  { args: ['@/file', 'copied:'], isOut: false },
  { args: ['@/file', 'nobody:/x'], isOut: false },
  { args: ['nobody:/x', '@/x'], isOut: true },
  { args: ['copied:/s/file', 'copied:/t'], isOut: false },
];

/** What is copied out, and a place of its own for what each copy brings. */
export const prepareInside = (count: number): string => `
mkdir -p /s/dir/sub /t; cd /s; echo file >file; chmod 640 file; echo in >dir/in; echo deep >dir/sub/deep
ln dir/in dir/hard; ln -s sub dir/link; chmod 700 dir/sub; ln -s file lf; ln -s dir ld; ln -s /s/dir labs
ln -s nowhere dang; ln -s ../../../../s/dir esc; mkfifo fifo; mknod null c 1 3
touch -t ${old} file dir/in dir/sub dir
for i in $(seq 0 ${count - 1}); do
  mkdir -p /t/$i/d /t/$i/full; cd /t/$i; echo old >f; ln -s d ld; ln -s f lf; ln -s /t/$i/d labs
  ln -s nowhere dang; echo x >full/file; mkdir full/dir; ln -s ../../../../t/$i/d esc
done`;

/** The same here, and places to copy to. */
export function prepareLocal(root: string): void {
  for (const one of ['dir/sub', 'd']) mkdirSync(join(root, one), { recursive: true });
  const files = { file: 'file', 'dir/in': 'in', 'dir/sub/deep': 'deep', f: 'old' };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
  linkSync(join(root, 'dir/in'), join(root, 'dir/hard'));
  const links = { lf: 'file', ld: 'dir', 'dir/link': 'sub', dl: 'd', fl: 'f', dang: 'nowhere' };
  for (const [name, to] of Object.entries(links)) symlinkSync(to, join(root, name));
  execFileSync('mkfifo', [join(root, 'fifo')]);
  for (const name of ['file', 'dir/in', 'dir/sub', 'dir']) {
    utimesSync(join(root, name), 978_307_200, 978_307_200);
  }
}
